/**
 * `odradek zk-security-migration`: secures Kafka's znodes for whoever runs it, or opens them to everybody.
 * Source: kafka.admin.ZkSecurityMigrator of Kafka 3.9.
 */
import { OPEN_ACL } from '../../../coordinator-client/tree/acl.ts';
import { SECURED_ROOTS, securedAcl } from '../../../coordinator-client/znodes/znode-acls.ts';
import { type Arguments, type CommandSpec, UsageError } from '../arguments.ts';
import { print } from '../output.ts';
import { withProgress } from '../progress.ts';
import { openZookeeper, zkTlsOption, zookeeperAccessOf } from '../zookeeper-client.ts';

type Session = Awaited<ReturnType<typeof openZookeeper>>;

const TIMEOUT_MS = '30000';
/** Whether they are there means something, so they are not made: a controller, a feature, a migration. */
const NOT_MADE = new Set(['/controller', '/feature', '/migration']);

const timeout = { value: 'MS', kind: 'integer', min: 100, max: 3_600_000, fallback: TIMEOUT_MS } as const;

export const zkSecurityMigrationCommand: CommandSpec = {
  name: 'zk-security-migration',
  summary: "Sets the access lists of Kafka's znodes, as kafka's zookeeper-security-migration does.",
  options: [
    {
      name: 'zookeeper.acl',
      value: 'secure|unsecure',
      help: 'for us alone, or for everybody',
      required: true,
    },
    {
      name: 'zookeeper.connect',
      value: 'HOST:PORT,…',
      help: 'the ensemble, with a chroot if there is one',
      fallback: 'localhost:2181',
    },
    { name: 'zookeeper.session.timeout', help: 'of the session', ...timeout },
    { name: 'zookeeper.connection.timeout', help: 'how long to try', ...timeout },
    { name: 'enable.path.check', help: 'change nothing if one of the nodes is not there' },
    zkTlsOption,
  ],
  notes:
    'Who we are: the section Client of the JAAS file that KAFKA_OPTS names with -Djava.security.auth.login.config=, or a certificate by --zk-tls-config-file.',
  run,
};

async function run(given: Arguments): Promise<number> {
  const wanted = given.needText('zookeeper.acl');
  if (wanted !== 'secure' && wanted !== 'unsecure')
    throw new UsageError(`--zookeeper.acl takes secure or unsecure, not '${wanted}'`);
  const access = await zookeeperAccessOf(given);
  if (!access.isIdentified) {
    throw new UsageError(
      'ZooKeeper could not tell who we are: name a JAAS file in KAFKA_OPTS, or a certificate with --zk-tls-config-file',
    );
  }
  const session = await openZookeeper(given.needText('zookeeper.connect'), access, {
    sessionTimeoutMs: given.needInteger('zookeeper.session.timeout'),
    connectionTimeoutMs: given.needInteger('zookeeper.connection.timeout'),
  });
  try {
    return await migrate(session, wanted === 'secure', given.flag('enable.path.check'));
  } finally {
    await session.close();
  }
}

async function migrate(session: Session, isSecure: boolean, needsAll: boolean): Promise<number> {
  const found = await Promise.all(SECURED_ROOTS.map(async (path) => (await session.children(path)) !== null));
  const missing = SECURED_ROOTS.filter((_, index) => found[index] === false);
  if (missing.length > 0) {
    await print(
      `Warning: The following secure root paths do not exist in ZooKeeper: ${missing.join(',')}\nThat might be due to an incorrect chroot is specified when executing the command.`,
    );
    if (needsAll) {
      await print('Exit the command.');
      return 1;
    }
  }
  let count = 0;
  const secured = async (path: string): Promise<void> => {
    const acl = isSecure ? securedAcl(path) : OPEN_ACL;
    const refused = await session.setAccessList(path, { acl, version: -1 });
    if (refused === 'missing') return; // somebody may delete what is Kafka's
    if (refused !== null) throw new Error(`the access list of ${path} can't be set: ${refused}`);
    count += 1;
  };
  const withAllBelow = async (path: string): Promise<void> => {
    await secured(path);
    const names = (await session.children(path)) ?? [];
    for (const name of names) await withAllBelow(`${path}/${name}`);
  };
  const work = async (): Promise<void> => {
    await secured('/');
    for (const path of missing.filter((one) => !NOT_MADE.has(one))) await made(session, path);
    for (const path of SECURED_ROOTS) await withAllBelow(path);
  };
  await withProgress(work(), () => `${count} access lists set`);
  await print(`${count} access lists set`);
  return 0;
}

async function made(session: Session, path: string): Promise<void> {
  const answer = await session.commit([
    { op: 'create', path, data: Buffer.alloc(0), lifetime: 'persistent' },
  ]);
  if (!answer.ok && answer.reason !== 'exists') throw new Error(`${path} can't be made: ${answer.reason}`);
}
