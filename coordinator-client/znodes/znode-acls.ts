/**
 * Who may do what with Kafka's nodes when they are secured: whoever has made them anything, others may read,
 * but not what holds secrets. Old consumers write below /consumers themselves, so that stays open.
 * Source: ZkData.defaultAcls, SecureRootPaths and SensitiveRootPaths of Kafka 3.9; ZooDefs.Ids.
 */
import { type Acl, OPEN_ACL, Permission, READ_ONLY_ACL } from '../tree/acl.ts';

/** Nodes that are secured with all that is below them. */
export const SECURED_ROOTS: readonly string[] = [
  '/admin',
  '/brokers',
  '/cluster',
  '/config',
  '/controller',
  '/controller_epoch',
  '/isr_change_notification',
  '/latest_producer_id_block',
  '/log_dir_event_notification',
  '/delegation_token',
  '/kafka-acl-extended',
  '/migration',
  '/feature',
  '/kafka-acl',
  '/kafka-acl-changes',
  '/kafka-acl-extended-changes',
];

/** All that Kafka has at the top of a tree. An ensemble may have more, of others. */
export const KAFKA_ROOTS: ReadonlySet<string> = new Set([...SECURED_ROOTS, '/consumers']);

/** What is below them holds secrets: credentials, passwords, tokens. */
const SENSITIVE_ROOTS = ['/config/users', '/config/brokers', '/delegation_token/tokens'];

/** ZooKeeper puts those in its place whom the connection has proved to be. */
const CREATOR_ALL: Acl = { permissions: Permission.ALL, scheme: 'auth', id: '' };

/** What a secured node is created with; `path` is below the chroot. */
export function securedAcl(path: string): readonly Acl[] {
  if (path === '/consumers') return OPEN_ACL;
  const isSensitive = SENSITIVE_ROOTS.some((root) => path.startsWith(root));
  return isSensitive ? [CREATOR_ALL] : [CREATOR_ALL, ...READ_ONLY_ACL];
}
