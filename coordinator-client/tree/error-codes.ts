/**
 * ZooKeeper's error codes (org.apache.zookeeper.KeeperException.Code), as far as a server answers
 * them. A function of this folder that can refuse returns the code as a value; 0 is success.
 */

export const ZkError = {
  OK: 0,
  /** Results of a refused multi that come after the culprit. */
  RUNTIME_INCONSISTENCY: -2,
  MARSHALLING: -5,
  UNIMPLEMENTED: -6,
  BAD_ARGUMENTS: -8,
  NO_NODE: -101,
  NO_AUTH: -102,
  BAD_VERSION: -103,
  NO_CHILDREN_FOR_EPHEMERALS: -108,
  NODE_EXISTS: -110,
  NOT_EMPTY: -111,
  SESSION_EXPIRED: -112,
  INVALID_ACL: -114,
  AUTH_FAILED: -115,
  NO_WATCHER: -121,
  RECONFIG_DISABLED: -123,
  SESSION_CLOSED_REQUIRE_SASL_AUTH: -124,
} as const;

/** One of ZkError's values. */
export type ZkErrorCode = number;
