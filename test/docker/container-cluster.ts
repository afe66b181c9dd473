/**
 * Three ZooKeepers and three brokers in containers on a network of their own, with clients outside: what
 * docker-compose.yml describes, on free ports of this machine and with short timeouts.
 */
import { GenericContainer, getContainerRuntimeClient, type StartedTestContainer, Wait } from 'testcontainers';
import { eventually } from '../support/eventually.ts';
import { freePorts } from '../support/free-ports.ts';
import { BROKER_IMAGE, docker, LABEL, RUN } from './docker-host.ts';

const NODES = [1, 2, 3];
const STARTUP_MS = 120_000;
const SESSION_TIMEOUT_MS = 8000;
/** A ZooKeeper that is not part of a quorum has no mode. */
const SERVES = 'exec 3<>/dev/tcp/127.0.0.1/2181 && printf srvr >&3 && grep -q ^Mode: <&3';
const CHECK = { interval: 1000, timeout: 10_000, retries: 60 } as const;

export interface ContainerBroker {
  readonly id: number;
  readonly host: string;
  readonly port: number;
  readonly container: StartedTestContainer;
}

export interface ContainerCluster {
  readonly brokers: readonly ContainerBroker[];
  readonly bootstrapServers: string;
}

/** Resolves when all six are healthy. `removeAll` of docker-host.ts ends it, also half started. */
export async function startContainerCluster(properties: Record<string, string>): Promise<ContainerCluster> {
  // Its helper container that removes others comes from a registry; removeAll does without.
  process.env['TESTCONTAINERS_RYUK_DISABLED'] = 'true';
  const { host } = (await getContainerRuntimeClient()).info.containerRuntime;
  await docker('network', 'create', '--label', `${LABEL}=${RUN}`, RUN);
  await Promise.all(NODES.map((node) => zookeeper(node).start()));
  const ports = await freePorts(NODES.length);
  const brokers = await Promise.all(
    NODES.map(async (id, index): Promise<ContainerBroker> => {
      const port = ports[index] ?? 0;
      return { id, host, port, container: await broker(id, `${host}:${port}`, port, properties).start() };
    }),
  );
  return { brokers, bootstrapServers: brokers.map(({ port }) => `${host}:${port}`).join(',') };
}

/** `docker kill` and its like, and what Docker knows of a container. */
export async function act(word: 'kill' | 'start' | 'stop', of: ContainerBroker): Promise<void> {
  await docker(word, of.container.getId());
}

/**
 * Has its broker stand still, or go on, as `docker pause` does; by a signal, since the first version of control
 * groups can't always freeze a process that is busy ("unable to freeze").
 */
export async function signal(name: 'STOP' | 'CONT', of: ContainerBroker): Promise<void> {
  await docker('kill', '--signal', name, of.container.getId());
}

export async function inspect(of: ContainerBroker, format: string): Promise<string> {
  return docker('inspect', '-f', format, of.container.getId());
}

export async function healthy(of: ContainerBroker): Promise<void> {
  await eventually(
    `broker ${of.id} is healthy`,
    async () => (await inspect(of, '{{.State.Health.Status}}')) === 'healthy',
    STARTUP_MS,
  );
}

function zookeeper(node: number): GenericContainer {
  return onNetwork('zookeeper:3.9', `zookeeper${node}`)
    .withEnvironment({
      ZOO_MY_ID: String(node),
      ZOO_SERVERS: NODES.map((each) => `server.${each}=zookeeper${each}:2888:3888;2181`).join(' '),
      ZOO_TICK_TIME: '500',
      ZOO_INIT_LIMIT: '20',
      ZOO_SYNC_LIMIT: '8',
      ZOO_ADMINSERVER_ENABLED: 'false',
      ZOO_4LW_COMMANDS_WHITELIST: 'srvr',
      // A container is on Docker's own network as well, and its name may lead there.
      ZOO_CFG_EXTRA: 'quorumListenOnAllIPs=true',
      JVMFLAGS: '-Xmx128m',
    })
    .withHealthCheck({ ...CHECK, test: ['CMD', 'bash', '-c', SERVES] });
}

function broker(
  id: number,
  advertised: string,
  port: number,
  properties: Record<string, string>,
): GenericContainer {
  return onNetwork(BROKER_IMAGE, `broker${id}`)
    .withEnvironment({
      KAFKA_BROKER_ID: String(id),
      KAFKA_ZOOKEEPER_CONNECT: NODES.map((node) => `zookeeper${node}:2181`).join(','),
      KAFKA_ZOOKEEPER_SESSION_TIMEOUT_MS: String(SESSION_TIMEOUT_MS),
      KAFKA_LISTENERS: 'INTERNAL://0.0.0.0:29092,EXTERNAL://0.0.0.0:9092',
      KAFKA_ADVERTISED_LISTENERS: `INTERNAL://broker${id}:29092,EXTERNAL://${advertised}`,
      KAFKA_LISTENER_SECURITY_PROTOCOL_MAP: 'INTERNAL:PLAINTEXT,EXTERNAL:PLAINTEXT',
      KAFKA_INTER_BROKER_LISTENER_NAME: 'INTERNAL',
      KAFKA_PEER_SHARED_SECRET: RUN,
      KAFKA_PEER_ADVERTISED_LISTENER: `PEER://broker${id}:9190`,
      ...properties,
    })
    .withExposedPorts({ container: 9092, host: port })
    .withHealthCheck({ ...CHECK, test: ['CMD', 'node', '/opt/odradek/container.cjs', 'health'] });
}

function onNetwork(image: string, alias: string): GenericContainer {
  return new GenericContainer(image)
    .withNetworkMode(RUN)
    .withNetworkAliases(alias)
    .withLabels({ [LABEL]: RUN })
    .withWaitStrategy(Wait.forHealthCheck())
    .withStartupTimeout(STARTUP_MS);
}
