/** Requests that fail on purpose, asked for by Kafka's names of APIs and errors. For the fault API and the test kit. */
import { ErrorCode } from '../errors.ts';
import { HANDLERS } from '../handlers/table.ts';
import type { Strike } from '../network/interference.ts';
import type { RequestFault } from '../network/request-faults.ts';
import type { AnyApi } from '../protocol/schema.ts';
import { refuseUnknown } from './known-names.ts';

/** Which requests fail, and how. */
export interface RequestFaultOptions {
  /** Kafka's name, such as `Produce`; all unless given. */
  readonly api?: string;
  /** Kafka's name of an error; or the connection ends, or no answer ever comes. Without one the answer is its own. */
  readonly error?: string;
  /** Requests that it strikes: 1 unless given. */
  readonly times?: number;
  /** How much later the answer comes. */
  readonly delayMs?: number;
  /** Only requests that name this topic. They fail as a whole. */
  readonly topic?: string;
  /** With `topic`. */
  readonly partition?: number;
  readonly clientId?: string;
  /** The request is carried out, and then its answer is the error, or lost: for what retries do. */
  readonly carriedOut?: boolean;
  /** Of the requests it fits, the share it strikes; 1 unless given. */
  readonly probability?: number;
}

const CLOSE = 'close';
const NO_ANSWER = 'no answer';

/** Throws, with the name that is meant, where something is none. */
export function requestFaultOf(options: RequestFaultOptions, spent?: () => void): RequestFault {
  const { api, topic, partition, clientId, times = 1, probability = 1, delayMs = 0 } = options;
  if (partition !== undefined && topic === undefined) throw new Error('a partition needs its topic');
  if (!(times >= 1)) throw new Error(`times must be 1 or more, not ${times}`);
  if (!(probability > 0 && probability <= 1))
    throw new Error(`probability must be above 0 and at most 1, not ${probability}`);
  if (!(delayMs >= 0)) throw new Error(`delayMs must be 0 or more, not ${delayMs}`);
  if (options.error === undefined && options.delayMs === undefined)
    throw new Error('say what happens: an error, or a delayMs');
  const filter = {
    ...(api === undefined ? {} : { apiKey: servedApi(api).key }),
    ...(topic === undefined ? {} : { topic }),
    ...(partition === undefined ? {} : { partition }),
    ...(clientId === undefined ? {} : { clientId }),
  };
  const outcome = outcomeOf(options.error);
  const carriedOut = options.carriedOut ?? outcome === 'answer';
  return {
    filter,
    budget: { left: times },
    probability,
    strike: { outcome, carriedOut, delayMs },
    ...(spent === undefined ? {} : { spent }),
  };
}

function outcomeOf(error: string | undefined): Strike['outcome'] {
  if (error === undefined) return 'answer';
  if (error === CLOSE || error === NO_ANSWER) return error;
  refuseUnknown([error], [...Object.keys(ErrorCode), CLOSE, NO_ANSWER], 'error that a broker answers');
  return { error: ErrorCode[error as keyof typeof ErrorCode] };
}

/** By Kafka's name; throws when no broker serves it. */
export function servedApi(name: string): AnyApi {
  const served = [...HANDLERS.values()].map(({ api }) => api);
  refuseUnknown(
    [name],
    served.map((each) => each.name),
    'API that a broker serves',
  );
  return served.find((each) => each.name === name) as AnyApi;
}
