/** Apache Kafka to drill on: its jars, the Java that runs them, and a network in which brokers can be cut off. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { findJava, type Java, KAFKA_VERSION } from '../benchmark/systems/java.ts';
import type { Workplace } from '../benchmark/workplace.ts';
import { isInside, isolationLacks } from '../torment/cluster/isolation.ts';
import { Loopback } from '../torment/cluster/loopback.ts';
import { Namespaces } from '../torment/cluster/namespaces.ts';
import type { Network } from '../torment/cluster/network.ts';
import { BROKERS } from './drilled-cluster.ts';
import { SERVERS } from './drilled-ensemble.ts';
import type { KafkaSetting } from './run-drill.ts';

interface Wanted {
  /** An unpacked release of Kafka; null: the jars that `bench` has as well, which Maven fetches once. */
  readonly directory: string | null;
  readonly progress: (line: string) => void;
}

/**
 * What is there, or why it isn't, in words. `inside`: what must be done first is to start this program again in a
 * network of its own (isolation.ts).
 */
export async function kafkaSetting(
  workplace: Workplace,
  { directory, progress }: Wanted,
): Promise<KafkaSetting | 'inside' | { readonly lacks: string }> {
  const java = await findJava(workplace, progress);
  if (typeof java === 'string') return { lacks: java };
  const release = directory === null ? KAFKA_VERSION : releaseIn(directory);
  if (release === null)
    return { lacks: `${directory} is no release of Kafka: there is no libs/kafka_*.jar in it` };
  const lacksCuts = isInside() ? null : isolationLacks();
  if (!isInside() && lacksCuts === null) return 'inside';
  return {
    of: 'kafka',
    version: release,
    java: directory === null ? java : withJarsOf(java, directory),
    network: networks(lacksCuts),
    lacksCuts: lacksCuts === null ? null : new Loopback(lacksCuts).lacksCuts,
  };
}

/** Namespaces are made once, and used again; proxies belong to one cluster. */
function networks(lacksCuts: string | null): () => Network {
  if (lacksCuts !== null) return () => new Loopback(lacksCuts);
  const namespaces = new Namespaces(BROKERS, SERVERS);
  return () => namespaces;
}

function withJarsOf(java: Java, directory: string): Java {
  return { ...java, kafkaClasspath: join(directory, 'libs', '*') };
}

/** The version in the name of its main jar; null: there is none. */
function releaseIn(directory: string): string | null {
  const libs = join(directory, 'libs');
  const names = existsSync(libs) ? readdirSync(libs) : [];
  return names.flatMap((name) => /^kafka_[\d.]+-(\d+\.\d+\.\d+)\.jar$/.exec(name)?.[1] ?? [])[0] ?? null;
}
