/**
 * What Kafka says of an error where it has nothing more particular to say. Tools print it. Only codes
 * that are answered with a text are here. Source: org.apache.kafka.common.protocol.Errors of 3.9.
 */
import { ErrorCode, errorName } from '../errors.ts';

const TEXTS: ReadonlyMap<number, string> = new Map([
  [ErrorCode.UNKNOWN_SERVER_ERROR, 'The server experienced an unexpected error when processing the request.'],
  [ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, 'This server does not host this topic-partition.'],
  [
    ErrorCode.NOT_LEADER_OR_FOLLOWER,
    'For requests intended only for the leader, this error indicates that the broker is not the current leader. For requests intended for any replica, this error indicates that the broker is not a replica of the topic partition.',
  ],
  [ErrorCode.REQUEST_TIMED_OUT, 'The request timed out.'],
  [ErrorCode.COORDINATOR_NOT_AVAILABLE, 'The coordinator is not available.'],
  [ErrorCode.INVALID_GROUP_ID, 'The configured groupId is invalid.'],
  [ErrorCode.TOPIC_AUTHORIZATION_FAILED, 'Topic authorization failed.'],
  [ErrorCode.GROUP_AUTHORIZATION_FAILED, 'Group authorization failed.'],
  [ErrorCode.CLUSTER_AUTHORIZATION_FAILED, 'Cluster authorization failed.'],
  [ErrorCode.UNSUPPORTED_VERSION, 'The version of API is not supported.'],
  [ErrorCode.NOT_CONTROLLER, 'This is not the correct controller for this cluster.'],
  [
    ErrorCode.INVALID_REQUEST,
    'This most likely occurs because of a request being malformed by the client library or the message was sent to an incompatible broker. See the broker logs for more details.',
  ],
]);

/** The name of the error where there is no text, as Kafka does where it has no exception. */
export function errorText(code: number): string {
  return TEXTS.get(code) ?? errorName(code);
}
