/** Topics; of the chosen one its records and its configs. */
import { useState } from 'preact/hooks';
import { type ClusterPicture, isUnderReplicated, type PartitionPicture } from '../picture.ts';
import type { ConfigView } from '../views.ts';
import { count } from './format.ts';
import { Records } from './records.tsx';
import { useAnswer } from './use-answer.ts';

export function Topics({ picture }: { readonly picture: ClusterPicture }) {
  const topics = Map.groupBy(Object.values(picture.partitions), ({ topic }) => topic);
  const names = [...topics.keys()].sort();
  const [chosen, setChosen] = useState<string | null>(null);
  const partitions = topics.get(chosen ?? '') ?? [];
  return (
    <section aria-label="Topics" class="split">
      <ul class="list" aria-label="Topics">
        {names.map((name) => (
          <li key={name}>
            <button type="button" aria-pressed={name === chosen} onClick={() => setChosen(name)}>
              {name} <small>{summary(topics.get(name) ?? [])}</small>
            </button>
          </li>
        ))}
      </ul>
      {chosen !== null && partitions.length > 0 && (
        <div class="detail">
          <h2>{chosen}</h2>
          <Records key={chosen} topic={chosen} partitions={partitions.length} />
          <Configs topic={chosen} />
        </div>
      )}
    </section>
  );
}

function summary(partitions: readonly PartitionPicture[]): string {
  const ill = partitions.filter(isUnderReplicated).length;
  const factor = partitions[0]?.replicas.length ?? 0;
  return `${count(partitions.length)} × ${factor}${ill > 0 ? `, ${count(ill)} under-replicated` : ''}`;
}

function Configs({ topic }: { readonly topic: string }) {
  const [configs, problem] = useAnswer<readonly ConfigView[]>('/api/configs', {
    type: 'topics',
    name: topic,
  });
  return (
    <details>
      <summary>configs</summary>
      {problem !== null && <p class="bad">{problem}</p>}
      <table>
        <thead>
          <tr>
            <th>config</th>
            <th>value</th>
            <th>source</th>
          </tr>
        </thead>
        <tbody>
          {(configs ?? []).map(({ name, value, source }) => (
            <tr key={name} class={source === 'DEFAULT_CONFIG' ? '' : 'set'}>
              <td>{name}</td>
              <td>{value ?? '–'}</td>
              <td>{source.toLowerCase().replaceAll('_', ' ')}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </details>
  );
}
