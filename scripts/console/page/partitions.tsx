/** Partitions against brokers: who leads, who should, who is in sync, who lags; what just changed is lit up. */
import { useEffect, useMemo, useState } from 'preact/hooks';
import { type ClusterPicture, isUnderReplicated, nameOf, type PartitionPicture } from '../picture.ts';
import { count, time } from './format.ts';
import { PartitionPanel } from './partition-panel.tsx';
import { Rows } from './rows.tsx';
import type { State } from './state.ts';

const LIT_MS = 4000;

const FILTERS: Readonly<Record<string, (partition: PartitionPicture) => boolean>> = {
  all: () => true,
  'under-replicated': isUnderReplicated,
  'without a leader': ({ leader }) => leader < 0,
  'not led by the preferred': ({ leader, replicas }) => leader !== replicas[0],
  'being moved': ({ adding, removing }) => adding.length + removing.length > 0,
};

export function Partitions({ state, picture }: { readonly state: State; readonly picture: ClusterPicture }) {
  const [filter, setFilter] = useState('all');
  const [words, setWords] = useState('');
  const [chosen, setChosen] = useState<string | null>(null);
  const nowMs = useNow();
  const columns = useMemo(() => columnsOf(picture), [picture]);
  const shown = useMemo(() => {
    const matches = FILTERS[filter] ?? (() => true);
    const all = Object.values(picture.partitions).filter(
      (each) => matches(each) && nameOf(each).includes(words),
    );
    return all.sort(byTopicOwnFirst);
  }, [picture, filter, words]);
  const known = chosen === null ? undefined : picture.partitions[chosen];
  return (
    <section aria-label="Partitions" class="split">
      <div>
        <div class="tools">
          <input
            type="search"
            aria-label="Part of a name"
            placeholder="topic-0"
            value={words}
            onInput={({ currentTarget }) => setWords(currentTarget.value)}
          />
          <select
            aria-label="Which"
            value={filter}
            onChange={({ currentTarget }) => setFilter(currentTarget.value)}
          >
            {Object.keys(FILTERS).map((each) => (
              <option key={each}>{each}</option>
            ))}
          </select>
          <span>{count(shown.length)} partitions</span>
        </div>
        <Rows
          count={shown.length}
          label="Partitions by broker"
          head={<Head columns={columns} picture={picture} />}
          row={(index) => {
            const partition = shown[index];
            if (partition === undefined) return null;
            const isLit =
              nowMs - (state.changedMs[nameOf(partition)] ?? 0) < LIT_MS && state.momentMs === null;
            return (
              <PartitionRow
                {...{ partition, columns, state, isLit }}
                choose={() => setChosen(nameOf(partition))}
              />
            );
          }}
        />
        <Legend />
      </div>
      {known !== undefined && (
        <PartitionPanel partition={known} state={state} close={() => setChosen(null)} />
      )}
    </section>
  );
}

/** The topics of users before those of the brokers. */
function byTopicOwnFirst(a: PartitionPicture, b: PartitionPicture): number {
  const internal = Number(a.topic.startsWith('__')) - Number(b.topic.startsWith('__'));
  return internal || a.topic.localeCompare(b.topic) || a.partition - b.partition;
}

/** Once a second: what is lit goes out again. */
function useNow(): number {
  const [nowMs, setNowMs] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNowMs(Date.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  return nowMs;
}

/** All brokers that live or have replicas. */
function columnsOf({ brokers, partitions }: ClusterPicture): number[] {
  const ids = new Set(brokers.map(({ id }) => id));
  for (const { replicas } of Object.values(partitions)) for (const id of replicas) ids.add(id);
  return [...ids].sort((a, b) => a - b);
}

function Head({
  columns,
  picture,
}: {
  readonly columns: readonly number[];
  readonly picture: ClusterPicture;
}) {
  const living = new Set(picture.brokers.map(({ id }) => id));
  return (
    <>
      <th scope="col" class="name">
        partition
      </th>
      <th scope="col" class="epoch">
        epoch
      </th>
      {columns.map((id) => (
        <th scope="col" key={id} class={living.has(id) ? 'cell' : 'cell bad'}>
          {id}
          {id === picture.controllerId ? '*' : ''}
        </th>
      ))}
    </>
  );
}

function PartitionRow({
  partition,
  columns,
  state,
  isLit,
  choose,
}: {
  readonly partition: PartitionPicture;
  readonly columns: readonly number[];
  readonly state: State;
  readonly isLit: boolean;
  readonly choose: () => void;
}) {
  const name = nameOf(partition);
  const changedMs = state.changedMs[name];
  return (
    <>
      <th scope="row" class={isLit ? 'name lit' : 'name'}>
        <button
          type="button"
          aria-label={name}
          title={changedMs === undefined ? name : `${name}, changed ${time(changedMs)}`}
          onClick={choose}
        >
          <span>{partition.topic}</span>-{partition.partition}
        </button>
      </th>
      <td class="epoch">{partition.leaderEpoch}</td>
      {columns.map((id) => (
        <Cell key={id} id={id} partition={partition} lag={lagOf(state, name, id)} />
      ))}
    </>
  );
}

function lagOf({ progress, momentMs }: State, name: string, id: number): number {
  return momentMs === null ? Math.max(0, progress[name]?.replicas[id]?.lag ?? 0) : 0;
}

function Cell({
  id,
  partition,
  lag,
}: {
  readonly id: number;
  readonly partition: PartitionPicture;
  readonly lag: number;
}) {
  const { leader, replicas, isr, adding, removing } = partition;
  if (!replicas.includes(id)) return <td class="cell" />;
  const role = leader === id ? 'leader' : isr.includes(id) ? 'insync' : 'behind';
  const sign = { leader: 'L', insync: '●', behind: '○' }[role];
  const moves = adding.includes(id) ? ' being added' : removing.includes(id) ? ' being removed' : '';
  const says = { leader: 'leads', insync: 'in sync', behind: 'out of sync' }[role];
  const preferred = replicas[0] === id ? ', preferred leader' : '';
  const behind = lag > 0 ? `, ${count(lag)} behind` : '';
  return (
    <td
      class={`cell ${role}${moves === '' ? '' : ' moving'}`}
      title={`broker ${id} ${says}${preferred}${moves}${behind}`}
    >
      {sign}
      {replicas[0] === id && <sup>★</sup>}
      {lag > 0 && <small>{count(lag)}</small>}
    </td>
  );
}

function Legend() {
  return (
    <p class="legend">
      <b class="leader">L</b> leader, <b class="insync">●</b> in sync, <b class="behind">○</b> out of sync, ★
      preferred leader, * controller; numbers: records behind
    </p>
  );
}
