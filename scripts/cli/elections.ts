/** Elections of leaders, as the controller is asked for them, and what came of each. */
import { ErrorCode } from '../../broker/errors.ts';
import { ElectLeaders } from '../../broker/protocol/messages/43-elect-leaders.ts';
import { type AdminClient, REQUEST_TIMEOUT_MS, reasonOf } from './admin-client.ts';
import { byTopic, comparePartitions, type TopicPartition } from './partitions.ts';

export interface Election extends TopicPartition {
  readonly outcome: 'elected' | 'not needed' | 'failed';
  readonly reason: string | null;
}

/** As the protocol numbers them: the first replica, if it is in sync; any living one. */
const TYPES = { preferred: 0, unclean: 1 } as const;

type ElectionType = keyof typeof TYPES;

export function isElectionType(word: string): word is ElectionType {
  return Object.hasOwn(TYPES, word);
}

/** Of these partitions; null: of all that need it. Throws when the controller refuses the whole. */
export async function elect(
  admin: AdminClient,
  type: ElectionType,
  partitions: readonly TopicPartition[] | null,
): Promise<Election[]> {
  const wanted = [...byTopic(partitions ?? [])].map(([topic, own]) => ({
    topic,
    partitions: own.map(({ partition }) => partition),
  }));
  const topicPartitions = partitions === null ? null : wanted;
  const request = { electionType: TYPES[type], topicPartitions, timeoutMs: REQUEST_TIMEOUT_MS };
  const answer = await admin.askController(ElectLeaders, request, (response) => [response]);
  if (answer.errorCode !== ErrorCode.NONE) throw new Error(reasonOf(answer));
  const elections = answer.replicaElectionResults.flatMap(({ topic, partitionResult }) =>
    partitionResult.map(({ partitionId, ...result }) => ({
      topic,
      partition: partitionId,
      outcome: outcomeOf(result.errorCode),
      reason: outcomeOf(result.errorCode) === 'failed' ? reasonOf(result) : null,
    })),
  );
  return elections.sort(comparePartitions);
}

function outcomeOf(errorCode: number): Election['outcome'] {
  if (errorCode === ErrorCode.NONE) return 'elected';
  return errorCode === ErrorCode.ELECTION_NOT_NEEDED ? 'not needed' : 'failed';
}
