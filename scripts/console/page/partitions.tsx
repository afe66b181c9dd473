/** Partitions against brokers: who leads, who should, who is in sync, who lags; what just changed is lit up. */
import { Component } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
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
  const columns = useSame(columnsOf(picture));
  const names = useSortedNames(picture);
  const shown = useMemo(() => {
    const matches = FILTERS[filter] ?? (() => true);
    return names.flatMap((name) => {
      const partition = picture.partitions[name];
      return partition !== undefined && matches(partition) && name.includes(words) ? [partition] : [];
    });
  }, [picture, names, filter, words]);
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
            const name = nameOf(partition);
            const changedMs = state.changedMs[name] ?? 0;
            const isLit = nowMs - changedMs < LIT_MS && state.momentMs === null;
            const lags = columns.map((id) => lagOf(state, name, id)).join();
            return <PartitionRow {...{ partition, columns, lags, isLit, changedMs }} choose={setChosen} />;
          }}
        />
        <Legend />
      </div>
      {known !== undefined && (
        <PartitionPanel partition={known} state={state} close={() => leave(chosen, setChosen)} />
      )}
    </section>
  );
}

/** The keyboard goes on where it came from. */
function leave(chosen: string | null, setChosen: (name: null) => void): void {
  setChosen(null);
  for (const button of document.querySelectorAll<HTMLElement>('.rows .name button'))
    if (button.getAttribute('aria-label') === chosen) button.focus();
}

/** Sorted anew only when there are others: changes of partitions come many times a second. */
function useSortedNames({ partitions }: ClusterPicture): readonly string[] {
  const names = useSame(Object.keys(partitions));
  return useMemo(() => {
    const all = names.flatMap((name) => partitions[name] ?? []);
    return all.sort(byTopicOwnFirst).map(nameOf);
  }, [names]);
}

/** The array of before where it has the same items. */
function useSame<Item>(items: readonly Item[]): readonly Item[] {
  const kept = useRef(items);
  const isSame = kept.current.length === items.length && items.every((item, at) => item === kept.current[at]);
  if (!isSame) kept.current = items;
  return kept.current;
}

const WORDS = new Intl.Collator();

/** The topics of users before those of the brokers. */
function byTopicOwnFirst(a: PartitionPicture, b: PartitionPicture): number {
  const internal = Number(a.topic.startsWith('__')) - Number(b.topic.startsWith('__'));
  return internal || WORDS.compare(a.topic, b.topic) || a.partition - b.partition;
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

interface PartitionRowProps {
  readonly partition: PartitionPicture;
  readonly columns: readonly number[];
  /** Records behind, column by column: as text, so that two can be compared. */
  readonly lags: string;
  readonly isLit: boolean;
  /** 0: not since the page looks. */
  readonly changedMs: number;
  readonly choose: (name: string) => void;
}

/** Drawn anew only when something of it is another. */
class PartitionRow extends Component<PartitionRowProps> {
  override shouldComponentUpdate(next: PartitionRowProps): boolean {
    const { partition, columns, lags, isLit } = this.props;
    return (
      next.partition !== partition || next.columns !== columns || next.lags !== lags || next.isLit !== isLit
    );
  }

  override render({ partition, columns, lags, isLit, changedMs, choose }: PartitionRowProps) {
    const name = nameOf(partition);
    const behind = lags.split(',').map(Number);
    return (
      <>
        <th scope="row" class={isLit ? 'name lit' : 'name'}>
          <button
            type="button"
            aria-label={name}
            title={changedMs === 0 ? name : `${name}, changed ${time(changedMs)}`}
            onClick={() => choose(name)}
          >
            <span>{partition.topic}</span>-{partition.partition}
          </button>
        </th>
        <td class="epoch">{partition.leaderEpoch}</td>
        {columns.map((id, at) => (
          <Cell key={id} id={id} partition={partition} lag={behind[at] ?? 0} />
        ))}
      </>
    );
  }
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
