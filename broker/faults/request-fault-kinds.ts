/** Requests of clients that fail: with an error, late, without an answer, or with the connection. */
import { defineFault, FaultRefused, optional } from './fault-kind.ts';
import { type RequestFaultOptions, requestFaultOf } from './request-faults-by-name.ts';

const LONGEST_DELAY_MS = 600_000;

export const REQUEST_FAULTS = [
  defineFault({
    name: 'request-fail',
    summary: "Requests are answered with an error, late, not at all, or by the connection's end",
    parameters: [
      optional('api', 'string', 'such as Produce; all unless given'),
      optional(
        'error',
        'string',
        "Kafka's name of an error, 'close' or 'no answer'; its own answer unless given",
      ),
      optional('times', 'integer', 'requests that it strikes; 1 unless given', { min: 1 }),
      optional('delayMs', 'integer', 'how much later the answer comes', { min: 0, max: LONGEST_DELAY_MS }),
      optional('topic', 'string', 'only requests that name it; they fail as a whole'),
      optional('partition', 'integer', 'with topic', { min: 0 }),
      optional('clientId', 'string', 'only of this client'),
      optional('carriedOut', 'boolean', 'the request is done, and its answer lost'),
      optional('probability', 'number', 'share of the requests it fits', { min: 0.0001, max: 1 }),
    ],
    strike({ requests }, { body, spent }) {
      let fault: ReturnType<typeof requestFaultOf>;
      try {
        fault = requestFaultOf(body as RequestFaultOptions, spent);
      } catch (error) {
        throw new FaultRefused((error as Error).message);
      }
      const placed = requests.add(fault);
      return { heal: () => placed.remove(), struck: () => placed.struck };
    },
  }),
] as const;
