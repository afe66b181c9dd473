/**
 * The ways that lead to a broker and away from it, each with a rule (link-rule.ts): by address for what it
 * dials, one for each other broker whoever has dialled, and one each for all of them, for its clients and for
 * ZooKeeper. A rule that nobody has asked for does not exist, and costs nothing.
 */
import type { BrokerId } from '../../types.ts';
import { type Random, systemRandom } from '../random.ts';
import { LinkRule } from './link-rule.ts';

export class Links {
  /** Of the clients' connections to this broker. */
  readonly clients = new LinkRule();
  /** Of every channel with another broker, whoever it is. */
  readonly peers = new LinkRule();
  /** Of every connection to ZooKeeper, whichever server it is. */
  readonly zookeeper = new LinkRule();
  readonly #dialled = new Map<string, LinkRule>();
  readonly #brokers = new Map<BrokerId, LinkRule>();
  readonly #random: Pick<Random, 'fraction'>;

  constructor(random: Pick<Random, 'fraction'> = systemRandom) {
    this.#random = random;
  }

  /** Of what this broker dials there, now and later. */
  to(host: string, port: number): LinkRule {
    return ruleOf(this.#dialled, `${host}:${port}`);
  }

  /** Of every channel with this broker, whoever has dialled it, and wherever that broker is at the time. */
  broker(brokerId: BrokerId): LinkRule {
    return ruleOf(this.#brokers, brokerId);
  }

  /** For ways that lose something now and then. */
  fraction(): number {
    return this.#random.fraction();
  }

  /** Ends every connection, whatever the rules. */
  breakAll(): void {
    for (const rule of this.#all()) rule.break();
  }

  heal(): void {
    for (const rule of this.#all()) rule.heal();
  }

  #all(): LinkRule[] {
    const named = [this.clients, this.peers, this.zookeeper];
    return [...named, ...this.#dialled.values(), ...this.#brokers.values()];
  }
}

function ruleOf<Key>(rules: Map<Key, LinkRule>, key: Key): LinkRule {
  const known = rules.get(key);
  if (known !== undefined) return known;
  const rule = new LinkRule();
  rules.set(key, rule);
  return rule;
}
