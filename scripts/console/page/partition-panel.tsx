/** All about one partition: its state as ZooKeeper has it, its replicas, its past; and what may be done with it. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { nameOf, type PartitionPicture } from '../picture.ts';
import type { ZnodeView } from '../views.ts';
import { EventList } from './events.tsx';
import { bytes, count, time } from './format.ts';
import type { State } from './state.ts';
import { Story } from './story.tsx';
import { useAnswer, useChange } from './use-answer.ts';

interface PanelProps {
  readonly partition: PartitionPicture;
  readonly state: State;
  readonly close: () => void;
}

export function PartitionPanel({ partition, state, close }: PanelProps) {
  const name = nameOf(partition);
  const progress = state.progress[name];
  const closing = useRef<HTMLButtonElement>(null);
  // Who came by the keyboard is here at once, and not behind all rows.
  useEffect(() => closing.current?.focus(), [name]);
  return (
    <aside
      class="panel"
      aria-label={`Partition ${name}`}
      onKeyDown={({ key }) => {
        if (key === 'Escape') close();
      }}
    >
      <h2>
        {name}
        <button type="button" aria-label="Close" ref={closing} onClick={close}>
          ×
        </button>
      </h2>
      <p>
        high watermark{' '}
        {progress?.highWatermark === null || progress === undefined ? '–' : count(progress.highWatermark)}
      </p>
      <table>
        <thead>
          <tr>
            <th>broker</th>
            <th>behind</th>
            <th>on disk</th>
          </tr>
        </thead>
        <tbody>
          {partition.replicas.map((id) => {
            const replica = progress?.replicas[id];
            return (
              <tr key={id}>
                <td>
                  {id}
                  {id === partition.leader ? ' leads' : partition.isr.includes(id) ? '' : ' out of sync'}
                </td>
                <td>{replica === undefined ? '–' : count(Math.max(0, replica.lag))}</td>
                <td>{replica === undefined ? '–' : bytes(replica.sizeBytes)}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
      {state.may.alter && <StateZnode partition={partition} state={state} />}
      {state.may.describe && <Story about={{ partition: name }} question="Why is it so?" />}
      <EventList events={state.events.filter((event) => event.partition === name).slice(-20)} />
      <Past name={name} state={state} />
      {state.allowsChanges && state.momentMs === null && <Actions partition={partition} />}
    </aside>
  );
}

/** Its state as ZooKeeper has it. */
function StateZnode({ partition, state }: Omit<PanelProps, 'close'>) {
  const path = `/brokers/topics/${partition.topic}/partitions/${partition.partition}/state`;
  // Asked again whenever the partition has changed.
  const changedMs = state.changedMs[nameOf(partition)] ?? 0;
  const [znode, problem] = useAnswer<ZnodeView>('/api/znode', { path }, String(changedMs));
  return (
    <>
      <h3>{path}</h3>
      {problem !== null && <p class="bad">{problem}</p>}
      {znode !== null && (
        <pre>{`${znode.data}\nversion ${znode.version}, changed ${time(znode.modifiedMs)}`}</pre>
      )}
    </>
  );
}

function Past({ name, state }: { readonly name: string; readonly state: State }) {
  const past = state.recording.changes.filter(({ partitions }) => partitions[name] !== undefined).slice(-20);
  return (
    <>
      <h3>since the console looks</h3>
      <ol class="past">
        {past.reverse().map(({ atMs, partitions }) => (
          <li key={atMs}>
            {time(atMs)} leader {partitions[name]?.leader}, in sync {partitions[name]?.isr.join(', ')}, epoch{' '}
            {partitions[name]?.leaderEpoch}
          </li>
        ))}
      </ol>
    </>
  );
}

function Actions({ partition }: { readonly partition: PartitionPicture }) {
  const { topic, replicas, adding, removing } = partition;
  const place = { topic, partition: String(partition.partition) };
  const [wanted, setWanted] = useState(replicas.join(','));
  const [rate, setRate] = useState('');
  const [said, change] = useChange();
  const act = (question: string, path: string, more: Readonly<Record<string, string>> = {}): void =>
    change(question, path, { ...place, ...more });
  const name = nameOf(partition);
  return (
    <fieldset>
      <legend>Change</legend>
      <button
        type="button"
        onClick={() =>
          act(`Have the preferred leader of ${name} elected?`, '/api/elect-leader', { type: 'preferred' })
        }
      >
        elect the preferred leader
      </button>
      <label>
        replicas <input value={wanted} onInput={({ currentTarget }) => setWanted(currentTarget.value)} />
      </label>
      <label>
        bytes a second{' '}
        <input
          inputMode="numeric"
          placeholder="no limit"
          value={rate}
          onInput={({ currentTarget }) => setRate(currentTarget.value)}
        />
      </label>
      <button
        type="button"
        onClick={() =>
          act(`Move ${name} to ${wanted}?`, '/api/move', {
            replicas: wanted,
            ...(rate.trim() === '' ? {} : { rate }),
          })
        }
      >
        move
      </button>
      {adding.length + removing.length > 0 && (
        <button type="button" onClick={() => act(`Give up the move of ${name}?`, '/api/cancel-move')}>
          give up the move
        </button>
      )}
      <output aria-live="polite">{said}</output>
    </fieldset>
  );
}
