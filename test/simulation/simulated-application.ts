/** An application of several processes that reads, processes and writes exactly once, and what is found of its work. */
import { ErrorCode } from '../../broker/errors.ts';
import type { Random } from '../../broker/platform/random.ts';
import { ApplicationFaults } from './application-faults.ts';
import type { ClusterClient } from './cluster-client.ts';
import { fetchFrom, readCommitted } from './committed-reader.ts';
import { type Processed, unprocessed } from './processed-once.ts';
import { SimulatedMembership } from './simulated-membership.ts';
import { committedOffsets, SimulatedProcessor } from './simulated-processor.ts';

interface ApplicationOptions {
  readonly newClient: () => ClusterClient;
  readonly fork: () => Random;
  readonly input: string;
  readonly output: string;
  readonly partitions: number;
  /** False: it leaves out what keeps away former owners of partitions. */
  readonly fenced: boolean;
}

const GROUP = 'processors';
const PROCESSES = 2;

export class SimulatedApplication {
  readonly #options: ApplicationOptions;
  readonly #client: ClusterClient;
  readonly #faults: ApplicationFaults;
  readonly #processors: readonly SimulatedProcessor[];

  constructor(options: ApplicationOptions) {
    this.#options = options;
    this.#client = options.newClient();
    this.#faults = new ApplicationFaults(options.fork());
    this.#processors = Array.from(
      { length: PROCESSES },
      (_, process) =>
        new SimulatedProcessor({
          ...options,
          random: options.fork(),
          faults: this.#faults,
          group: GROUP,
          transactionalId: `processor-${process}`,
        }),
    );
  }

  /** What has befallen its processes, by request. */
  get befallen(): readonly string[] {
    return this.#faults.happened;
  }

  start(): void {
    for (const processor of this.#processors) processor.start();
  }

  /** Nothing befalls it any more; it goes on to the end of its input. */
  leaveAlone(): void {
    this.#faults.stop();
  }

  stop(): void {
    for (const processor of this.#processors) processor.stop();
    this.#client.close();
  }

  /** null while something can't be read, or is not processed yet. */
  async found(): Promise<Processed | null> {
    const { input, output, partitions } = this.#options;
    const client = this.#client;
    const numbers = Array.from({ length: partitions }, (_, partition) => partition);
    try {
      const coordinator = await new SimulatedMembership({ client, group: GROUP, partitions }).coordinator();
      const offsets = await committedOffsets(client, coordinator, {
        group: GROUP,
        topic: input,
        partitions: numbers,
      });
      if (!(await this.#isAtEnd(offsets))) return null;
      const processed = {
        input: await this.#read(input, numbers),
        offsets: numbers.map((partition) => offsets.get(partition) ?? 0),
        output: await this.#read(output, numbers),
      };
      return unprocessed(processed) > 0 ? null : processed;
    } catch {
      return null;
    }
  }

  /** Asked first, as it is far less than to read everything. */
  async #isAtEnd(offsets: ReadonlyMap<number, number>): Promise<boolean> {
    for (const [partition, position] of offsets) {
      const answer = await fetchFrom(this.#client, { topic: this.#options.input, partition, position });
      if (answer?.errorCode !== ErrorCode.NONE || answer.highWatermark !== position) return false;
    }
    return offsets.size === this.#options.partitions;
  }

  /** Rejects when one of them can't be read to its end. */
  async #read(topic: string, partitions: readonly number[]): Promise<string[][]> {
    const values: string[][] = [];
    for (const partition of partitions) {
      const read = await readCommitted(this.#client, topic, partition);
      if (read === null) throw new Error(`${topic}-${partition} can't be read to its end`);
      values.push(read);
    }
    return values;
  }
}
