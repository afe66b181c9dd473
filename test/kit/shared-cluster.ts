/**
 * One cluster for all files of a test run: a runner's global set-up starts it, and its workers find it by
 * their environment, with the kit's commands over HTTP (see http/).
 */
import { ADMIN_URL_VARIABLE, type KitCluster, type KitOptions, startCluster } from './cluster.ts';
import { type KitServer, serveKit } from './http/server.ts';

export interface SharedCluster {
  readonly cluster: KitCluster;
  readonly adminUrl: string;
  close(): Promise<void>;
}

/** Where workers, which inherit it, find the cluster. */
const BOOTSTRAP_SERVERS_VARIABLE = 'ODRADEK_BOOTSTRAP_SERVERS';

export async function startSharedCluster(options: KitOptions): Promise<SharedCluster> {
  const cluster = await startCluster(options);
  let server: KitServer;
  try {
    server = await serveKit(cluster);
  } catch (error) {
    await cluster.close();
    throw error;
  }
  process.env[BOOTSTRAP_SERVERS_VARIABLE] = cluster.bootstrapServers;
  process.env[ADMIN_URL_VARIABLE] = server.url;
  return {
    cluster,
    adminUrl: server.url,
    async close() {
      delete process.env[BOOTSTRAP_SERVERS_VARIABLE];
      delete process.env[ADMIN_URL_VARIABLE];
      server.close();
      await cluster.close();
    },
  };
}
