/**
 * One client's connection as it is read on its way: requests are kept until they are answered, answers are matched by
 * their correlation id. A conversation that can't be read (another protocol, TLS) is let through, and not counted.
 */
import { ErrorCode, errorName } from '../../broker/errors.ts';
import { decodeResponse } from '../../broker/protocol/codec.ts';
import { FrameReader } from '../../broker/protocol/frame.ts';
import { parseRequestHeader, parseResponseHeader, type RequestHeader } from '../../broker/protocol/header.ts';
import { Produce } from '../../broker/protocol/messages/00-produce.ts';
import { ApiVersions } from '../../broker/protocol/messages/18-api-versions.ts';
import { ALL_APIS } from '../../broker/protocol/messages/all.ts';
import type { AnyApi, ResponseOf } from '../../broker/protocol/schema.ts';
import { type AnsweredRequests, CONNECTION_LOST, type TopicPartition } from './answered-requests.ts';

const APIS = new Map<number, AnyApi>(ALL_APIS.map((api) => [api.key, api]));
/** Longer ones are let through, and nothing of the conversation is read after that. */
const MOST_FRAME_BYTES = 128 * 1024 * 1024;
const MOST_UNANSWERED = 10_000;

interface Asked {
  readonly header: RequestHeader;
  readonly api: AnyApi;
  readonly atMs: number;
}

export class ConversationReader {
  readonly #requests: AnsweredRequests;
  /** In the order in which they were sent. */
  readonly #asked = new Map<number, Asked>();
  readonly #questions = new FrameReader(MOST_FRAME_BYTES, (frame) => this.#question(frame));
  readonly #answers = new FrameReader(MOST_FRAME_BYTES, (frame) => this.#answer(frame));
  #isReadable = true;

  constructor(requests: AnsweredRequests) {
    this.#requests = requests;
  }

  /** Bytes of the client. */
  asked(bytes: Buffer): void {
    this.#read(() => this.#questions.push(bytes));
  }

  /** Bytes of the broker. */
  answered(bytes: Buffer): void {
    this.#read(() => this.#answers.push(bytes));
  }

  /** What was asked last is not answered any more. */
  closed(): void {
    for (const asked of this.#asked.values()) this.#add(asked, CONNECTION_LOST);
    this.#asked.clear();
  }

  #read(read: () => void): void {
    if (!this.#isReadable) return;
    try {
      read();
    } catch {
      this.#isReadable = false;
      this.#asked.clear();
    }
  }

  #question(frame: Buffer): void {
    const header = parseRequestHeader(frame, (key) => APIS.get(key));
    const api = APIS.get(header.apiKey);
    if (api === undefined || this.#asked.size >= MOST_UNANSWERED) return;
    this.#asked.set(header.correlationId, { header, api, atMs: Date.now() });
  }

  #answer(frame: Buffer): void {
    const correlationId = frame.readInt32BE(0);
    const asked = this.#asked.get(correlationId);
    if (asked === undefined) return;
    // Answers come in the order of the questions: what was asked before has none (Produce with acks=0).
    for (const earlier of this.#asked.keys()) {
      this.#asked.delete(earlier);
      if (earlier === correlationId) break;
    }
    const { header, api } = asked;
    const answer = decoded(api, header.apiVersion, frame);
    this.#add(asked, firstErrorIn(answer));
    if (api === Produce)
      this.#requests.acknowledged(header.clientId ?? '', acknowledgedIn(answer as ProduceAnswer));
  }

  #add({ header, api, atMs }: Asked, error: string | null): void {
    const clientId = header.clientId ?? '';
    this.#requests.add({ api: api.name, clientId, atMs, tookMs: Date.now() - atMs, error });
  }
}

type ProduceAnswer = ResponseOf<typeof Produce>;

function decoded(api: AnyApi, version: number, frame: Buffer): unknown {
  const { bodyOffset } = parseResponseHeader(api, version, frame);
  // Whoever speaks a version that the broker does not know is told so in the shape of version 0.
  const isRefused = api === ApiVersions && frame.readInt16BE(bodyOffset) === ErrorCode.UNSUPPORTED_VERSION;
  return decodeResponse(api, isRefused ? 0 : version, frame.subarray(bodyOffset));
}

/** The name of the first error anywhere in an answer; null when there is none. */
function firstErrorIn(answer: unknown): string | null {
  if (typeof answer !== 'object' || answer === null || Buffer.isBuffer(answer)) return null;
  for (const [name, value] of Object.entries(answer)) {
    if (name === 'errorCode' && typeof value === 'number' && value !== ErrorCode.NONE)
      return errorName(value);
    const within = firstErrorIn(value);
    if (within !== null) return within;
  }
  return null;
}

function acknowledgedIn({ responses }: ProduceAnswer): TopicPartition[] {
  return responses.flatMap(({ name, partitionResponses }) =>
    partitionResponses
      .filter(({ errorCode }) => errorCode === ErrorCode.NONE)
      .map(({ index }) => ({ topic: name, partition: index })),
  );
}
