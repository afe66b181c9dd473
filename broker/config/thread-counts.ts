/**
 * Numbers of threads change in steps while a broker runs: to half, or to double, of what is in use.
 * Here most of them have no effect, but tools that tune them are told what Kafka's brokers say.
 * Source: DynamicThreadPool, DataPlaneAcceptor and LogCleaner.validateReconfiguration of Kafka 3.9.
 */
const POOLS = {
  'num.io.threads': 'numIoThreads',
  'num.network.threads': 'numNetworkThreads',
  'num.replica.fetchers': 'numReplicaFetchers',
  'num.recovery.threads.per.data.dir': 'numRecoveryThreadsPerDataDir',
  'background.threads': 'backgroundThreads',
  'log.cleaner.threads': 'logCleanerThreads',
} as const;

type ThreadCounts = Readonly<Record<(typeof POOLS)[keyof typeof POOLS], number>>;

/** What is wrong with going from one configuration to the other; null when nothing is. */
export function threadCountProblem(current: ThreadCounts, next: ThreadCounts): string | null {
  for (const [name, field] of Object.entries(POOLS)) {
    const [from, to] = [current[field], next[field]];
    if (to < Math.floor(from / 2)) return tooFar(name, to, 'less than half', from);
    if (to > from * 2) return tooFar(name, to, 'more than double', from);
  }
  return null;
}

function tooFar(name: string, to: number, step: 'less than half' | 'more than double', from: number): string {
  const less = step === 'less than half';
  if (name === 'log.cleaner.threads') {
    return `Log cleaner threads cannot be ${less ? 'reduced' : 'increased'} to ${step} the current value ${from}`;
  }
  const bound = less ? 'at least half the current value' : 'not be greater than double the current value';
  return `Dynamic thread count update validation failed for ${name}=${to}, value should ${less ? 'be ' : ''}${bound} ${from}`;
}
