/** Partitions that move: how far each is, what holds them back, and how to end it. */
import { useState } from 'preact/hooks';
import { type ClusterPicture, nameOf, type PartitionPicture, type Progress } from '../picture.ts';
import type { ThrottlesView } from '../views.ts';
import { bytes, count } from './format.ts';
import type { State } from './state.ts';
import { useAnswer, useChange, useTicks } from './use-answer.ts';

const REFRESH_MS = 2000;

export function Moves({ state, picture }: { readonly state: State; readonly picture: ClusterPicture }) {
  const moving = Object.values(picture.partitions).filter(
    ({ adding, removing }) => adding.length + removing.length > 0,
  );
  const [said, act] = useChange();
  const mayChange = state.allowsChanges && state.momentMs === null;
  return (
    <section aria-label="Moves">
      <p>{moving.length === 0 ? 'Nothing moves.' : `${count(moving.length)} partitions move.`}</p>
      <ul class="list">
        {moving.map((partition) => (
          <li key={nameOf(partition)} class="card">
            <Move partition={partition} progress={state.progress[nameOf(partition)]} />
            {mayChange && (
              <button
                type="button"
                onClick={() =>
                  act(`Give up the move of ${nameOf(partition)}?`, '/api/cancel-move', {
                    topic: partition.topic,
                    partition: String(partition.partition),
                  })
                }
              >
                give up the move of {nameOf(partition)}
              </button>
            )}
          </li>
        ))}
      </ul>
      <Throttles isMoving={moving.length > 0} mayChange={mayChange} act={act} />
      <output aria-live="polite">{said}</output>
    </section>
  );
}

function Move({
  partition,
  progress,
}: {
  readonly partition: PartitionPicture;
  readonly progress: Progress | undefined;
}) {
  const { leader, adding, removing, isr } = partition;
  const wholeBytes = progress?.replicas[leader]?.sizeBytes ?? 0;
  return (
    <>
      <b>{nameOf(partition)}</b> {removing.length > 0 && <small>leaves {removing.join(', ')}</small>}
      {adding.map((id) => {
        const { sizeBytes = 0, lag = 0 } = progress?.replicas[id] ?? {};
        const share = wholeBytes === 0 ? 0 : Math.min(1, sizeBytes / wholeBytes);
        return (
          <p key={id}>
            <progress value={isr.includes(id) ? 1 : share} aria-label={`broker ${id}`} /> broker {id}:{' '}
            {isr.includes(id)
              ? 'in sync'
              : `${bytes(sizeBytes)} of ${bytes(wholeBytes)}, ${count(Math.max(0, lag))} records behind`}
          </p>
        );
      })}
    </>
  );
}

interface ThrottlesProps {
  readonly isMoving: boolean;
  readonly mayChange: boolean;
  readonly act: (question: string, path: string, what: Readonly<Record<string, string>>) => void;
}

function Throttles({ isMoving, mayChange, act }: ThrottlesProps) {
  const [throttles, problem] = useAnswer<ThrottlesView>('/api/throttles', {}, useTicks(REFRESH_MS));
  const [rate, setRate] = useState('');
  const set = [
    ...(throttles?.brokers ?? []).map(({ id, configs }) => [`broker ${id}`, configs] as const),
    ...(throttles?.topics ?? []).map(({ name, configs }) => [`topic ${name}`, configs] as const),
  ];
  return (
    <>
      <h3>throttles</h3>
      {problem !== null && <p class="bad">{problem}</p>}
      {throttles !== null && set.length === 0 && <p>None is set.</p>}
      <ul class="list">
        {set.map(([who, configs]) => (
          <li key={who}>
            <b>{who}</b>
            {configs.map(([name, value]) => (
              <p key={name} class="wraps">
                {name} = {value}
              </p>
            ))}
          </li>
        ))}
      </ul>
      {mayChange && isMoving && (
        <form
          class="tools"
          onSubmit={(event) => {
            event.preventDefault();
            act(`Hold all that moves to ${rate} bytes a second?`, '/api/throttle', { rate });
          }}
        >
          <label>
            bytes a second{' '}
            <input
              inputMode="numeric"
              value={rate}
              onInput={({ currentTarget }) => setRate(currentTarget.value)}
            />
          </label>
          <button type="submit">throttle what moves</button>
        </form>
      )}
      {mayChange && !isMoving && set.length > 0 && (
        <button
          type="button"
          onClick={() => act('Take away all throttles of moves?', '/api/clear-throttles', {})}
        >
          take the throttles away
        </button>
      )}
    </>
  );
}
