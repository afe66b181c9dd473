/** Faults of this broker's session with ZooKeeper, and of ZooKeeper's servers where they are the supervisor's. */
import { defineFault, type FaultPoints, FaultRefused, optional, type StruckFault } from './fault-kind.ts';
import type { ServerHurt } from './supervisor.ts';

const SERVER = optional(
  'server',
  'integer',
  'counted from 1 in the order of zookeeper.connect; 1 unless given',
  {
    min: 1,
  },
);

export const COORDINATION_FAULTS = [
  defineFault({
    name: 'session-expire',
    isMomentary: true,
    summary: 'ZooKeeper ends the session of the broker, which goes on and registers anew',
    parameters: [],
    async strike({ expireSession }) {
      try {
        await expireSession();
      } catch (error) {
        throw new FaultRefused(`ZooKeeper can't be told: ${(error as Error).message}`);
      }
      return { heal: null };
    },
  }),
  defineFault({
    name: 'zookeeper-kill',
    summary: 'kill -9 of a ZooKeeper server that odradek cluster has started; healed it is started again',
    parameters: [SERVER],
    strike: (points, { body, forMs }) => strikeServer(points, 'kill', body['server'], forMs),
  }),
  defineFault({
    name: 'zookeeper-pause',
    summary: 'SIGSTOP of a ZooKeeper server that odradek cluster has started',
    parameters: [SERVER],
    strike: (points, { body, forMs }) => strikeServer(points, 'pause', body['server'], forMs),
  }),
  defineFault({
    name: 'zookeeper-stop',
    summary: 'SIGTERM of a ZooKeeper server that odradek cluster has started; healed it is started again',
    parameters: [SERVER],
    strike: (points, { body, forMs }) => strikeServer(points, 'stop', body['server'], forMs),
  }),
  defineFault({
    name: 'zookeeper-cut',
    summary:
      'A ZooKeeper server and everybody else, other servers and brokers, lose each other, and nobody is told; for odradek cluster --zookeeper-servers 3',
    parameters: [SERVER],
    strike: (points, { body, forMs }) => strikeServer(points, 'cut', body['server'], forMs),
  }),
] as const;

async function strikeServer(
  { supervisor }: FaultPoints,
  how: ServerHurt,
  given: unknown,
  forMs: number,
): Promise<StruckFault> {
  if (supervisor === null)
    throw new FaultRefused('ZooKeeper is not in the hands of whoever started this broker (odradek cluster)');
  const server = Number(given ?? 1);
  try {
    await supervisor.ask({ what: 'zookeeper', how, server, forMs });
  } catch (error) {
    throw new FaultRefused((error as Error).message);
  }
  // The supervisor ends it in time by itself, also when this broker is gone.
  const mend = (): void => void supervisor.ask({ what: 'zookeeper-mend', server }).catch(() => {});
  return { heal: mend, decided: { server } };
}
