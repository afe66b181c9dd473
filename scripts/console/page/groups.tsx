/** Consumer groups with their lag. */
import { useState } from 'preact/hooks';
import type { GroupView, ListedGroupView } from '../views.ts';
import { amount } from './format.ts';
import { useAnswer, useTicks } from './use-answer.ts';

const REFRESH_MS = 2000;

export function Groups() {
  const ticks = useTicks(REFRESH_MS);
  const [groups, problem] = useAnswer<readonly ListedGroupView[]>('/api/groups', {}, ticks);
  const [chosen, setChosen] = useState<string | null>(null);
  return (
    <section aria-label="Groups" class="split">
      <div>
        {problem !== null && <p class="bad">{problem}</p>}
        {groups?.length === 0 && <p>There are no groups.</p>}
        <ul class="list" aria-label="Groups">
          {(groups ?? []).map(({ groupId, state }) => (
            <li key={groupId}>
              <button type="button" aria-pressed={groupId === chosen} onClick={() => setChosen(groupId)}>
                {groupId} <small>{state}</small>
              </button>
            </li>
          ))}
        </ul>
      </div>
      {chosen !== null && <Group key={chosen} groupId={chosen} ticks={ticks} />}
    </section>
  );
}

function Group({ groupId, ticks }: { readonly groupId: string; readonly ticks: string }) {
  const [group, problem] = useAnswer<GroupView>('/api/group', { id: groupId }, ticks);
  return (
    <div class="detail">
      <h2>{groupId}</h2>
      {problem !== null && <p class="bad">{problem}</p>}
      {group !== null && (
        <>
          <p>
            {group.state}, coordinated by broker {group.coordinator}, {amount(group.members.length, 'member')}
            {group.assignor === '' ? '' : `, assigned by ${group.assignor}`}
          </p>
          <table class="figures">
            <thead>
              <tr>
                <th>partition, and who reads it</th>
                <th>committed</th>
                <th>end</th>
                <th>lag</th>
              </tr>
            </thead>
            <tbody>
              {group.offsets.map(({ topic, partition, committed, end, lag, memberId }) => (
                <tr key={`${topic}-${partition}`}>
                  <td>
                    {topic}-{partition} <small>{memberId ?? 'nobody'}</small>
                  </td>
                  <td>{committed ?? '–'}</td>
                  <td>{end ?? '–'}</td>
                  <td class={lag !== null && Number(lag) > 0 ? 'behind' : ''}>{lag ?? '–'}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </>
      )}
    </div>
  );
}
