/** The cluster as a map: ZooKeeper in the middle, a session to each broker, and what each broker carries. */
import type { BrokerPicture, ClusterPicture, PartitionPicture } from '../picture.ts';
import { bytes, count } from './format.ts';
import type { State } from './state.ts';
import { Story } from './story.tsx';

interface Load {
  readonly leaders: number;
  readonly replicas: number;
  readonly outOfSync: number;
  readonly sizeBytes: number;
}

/** Many need room; of few, what is written stays large enough for a narrow screen. */
const FEW = 8;
const WIDTH_OF_FEW = 440;
const WIDTH_OF_MANY = 720;
const BESIDE = 50;
const HEIGHT = 300;
const RADIUS_Y = 100;

export function ClusterMap({ state, picture }: { readonly state: State; readonly picture: ClusterPicture }) {
  const partitions = Object.values(picture.partitions);
  const missing = missingBrokers(picture, partitions);
  const leaderless = partitions.filter(({ leader }) => leader < 0).length;
  return (
    <section aria-label="Cluster">
      <Sentences picture={picture} missing={missing} leaderless={leaderless} />
      {state.may.describe && <Story about={{}} question="Why this controller?" />}
      <Sketch picture={picture} missing={missing} />
      <div class="cards">
        {picture.brokers.map((broker) => (
          <BrokerCard
            key={broker.id}
            broker={broker}
            isController={broker.id === picture.controllerId}
            load={loadOf(broker.id, partitions, state)}
          />
        ))}
        {missing.map((id) => (
          <article key={id} class="card gone">
            <h2>Broker {id}</h2>
            <p>
              not registered; {count(partitions.filter(({ replicas }) => replicas.includes(id)).length)}{' '}
              replicas wait for it
            </p>
          </article>
        ))}
      </div>
    </section>
  );
}

function Sentences({
  picture,
  missing,
  leaderless,
}: {
  readonly picture: ClusterPicture;
  readonly missing: readonly number[];
  readonly leaderless: number;
}) {
  const { controllerId, controllerEpoch } = picture;
  const epoch = controllerEpoch < 0 ? '' : ` of epoch ${controllerEpoch}`;
  return (
    <ul class="sentences">
      <li>
        {controllerId < 0
          ? 'No broker is the controller.'
          : `Broker ${controllerId} is the controller${epoch}.`}
      </li>
      {missing.length > 0 && <li class="bad">Missing: {missing.map((id) => `broker ${id}`).join(', ')}.</li>}
      {leaderless > 0 && <li class="bad">{count(leaderless)} partitions have no leader.</li>}
    </ul>
  );
}

/** Brokers that have replicas and no registration. */
function missingBrokers({ brokers }: ClusterPicture, partitions: readonly PartitionPicture[]): number[] {
  const living = new Set(brokers.map(({ id }) => id));
  const named = new Set(partitions.flatMap(({ replicas }) => replicas));
  return [...named].filter((id) => !living.has(id)).sort((a, b) => a - b);
}

function Sketch({
  picture,
  missing,
}: {
  readonly picture: ClusterPicture;
  readonly missing: readonly number[];
}) {
  const ids = [...picture.brokers.map(({ id }) => id), ...missing].sort((a, b) => a - b);
  const width = ids.length > FEW ? WIDTH_OF_MANY : WIDTH_OF_FEW;
  const label = `ZooKeeper with sessions of ${picture.brokers.map(({ id }) => `broker ${id}`).join(', ')}`;
  return (
    <svg class="sketch" viewBox={`0 0 ${width} ${HEIGHT}`} role="img" aria-label={label}>
      {ids.map((id, index) => {
        const angle = (2 * Math.PI * index) / ids.length - Math.PI / 2;
        const x = width / 2 + (width / 2 - BESIDE) * Math.cos(angle);
        const y = HEIGHT / 2 + RADIUS_Y * Math.sin(angle);
        const kind = missing.includes(id) ? 'gone' : id === picture.controllerId ? 'controller' : 'living';
        return (
          <g key={id} class={kind}>
            <line x1={width / 2} y1={HEIGHT / 2} x2={x} y2={y} />
            <circle cx={x} cy={y} r="26" />
            <text x={x} y={y + 5}>
              {id}
            </text>
            {kind === 'controller' && (
              <text x={x} y={y - 32} class="note">
                controller
              </text>
            )}
          </g>
        );
      })}
      <g class="zookeeper">
        <rect x={width / 2 - 52} y={HEIGHT / 2 - 20} width="104" height="40" rx="8" />
        <text x={width / 2} y={HEIGHT / 2 + 5}>
          ZooKeeper
        </text>
      </g>
    </svg>
  );
}

function loadOf(id: number, partitions: readonly PartitionPicture[], { progress }: State): Load {
  const own = partitions.filter(({ replicas }) => replicas.includes(id));
  let sizeBytes = 0;
  for (const { replicas } of Object.values(progress)) sizeBytes += replicas[id]?.sizeBytes ?? 0;
  return {
    leaders: own.filter(({ leader }) => leader === id).length,
    replicas: own.length,
    outOfSync: own.filter(({ isr }) => !isr.includes(id)).length,
    sizeBytes,
  };
}

function BrokerCard({
  broker,
  isController,
  load,
}: {
  readonly broker: BrokerPicture;
  readonly isController: boolean;
  readonly load: Load;
}) {
  const facts: (readonly [string, string])[] = [
    ['address', `${broker.host}:${broker.port}`],
    ['rack', broker.rack ?? '–'],
    ['session', broker.sessionId ?? '–'],
    ['broker epoch', broker.epoch ?? '–'],
    ['leads', count(load.leaders)],
    [
      'replicas',
      `${count(load.replicas)}${load.outOfSync > 0 ? `, ${count(load.outOfSync)} out of sync` : ''}`,
    ],
    ['on disk', bytes(load.sizeBytes)],
  ];
  return (
    <article class={isController ? 'card controller' : 'card'}>
      <h2>
        Broker {broker.id} {isController && <span class="badge">controller</span>}
      </h2>
      <dl>
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </article>
  );
}
