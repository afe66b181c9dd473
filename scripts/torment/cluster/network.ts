/** How the machines of a run reach each other, and how they are kept from it. Brokers are numbered from 1. */

/** Where a process runs: the address that it binds, and the words before its command that have it run there. */
export interface Place {
  readonly host: string;
  readonly command: readonly string[];
}

export interface Network {
  /** For the first line of a run. */
  readonly description: string;
  /** The address of this process, which the machines reach it at. */
  readonly here: string;
  /** Why brokers can't be cut from each other here; null when they can. */
  readonly lacksCuts: string | null;
  brokerPlace(id: number): Place;
  zookeeperPlace(server: number): Place;
  /** What a broker takes for `zookeeper.connect` so that it can be cut from there. */
  zookeeperFor(id: number, connect: string): Promise<string>;
  /** Silence in both directions, as when a cable is pulled; connections stay until somebody gives up. */
  cutFromZookeeper(id: number): void;
  /** Nothing of what one broker sends to the other arrives; the other direction stays. */
  cutOneWay(from: number, to: number): void;
  /** Everybody reaches everybody again. */
  heal(): void;
  close(): Promise<void>;
}
