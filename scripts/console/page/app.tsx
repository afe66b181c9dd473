/** The frame of the page: what is where, what is wrong, and the line of time below. */
import { useEffect, useReducer, useState } from 'preact/hooks';
import type { SessionView } from '../views.ts';
import { Charts } from './charts.tsx';
import { ClusterMap } from './cluster-map.tsx';
import { Drills } from './drills.tsx';
import { Events } from './events.tsx';
import { Faults } from './faults.tsx';
import { Groups } from './groups.tsx';
import { Login } from './login.tsx';
import { Moves } from './moves.tsx';
import { Partitions } from './partitions.tsx';
import { ask, change, follow } from './server.ts';
import { FIRST_STATE, reduce, type State, shownPicture } from './state.ts';
import { Timeline } from './timeline.tsx';
import { Topics } from './topics.tsx';
import { Znodes } from './znodes.tsx';

const VIEWS = [
  'Cluster',
  'Partitions',
  'Moves',
  'Topics',
  'Groups',
  'ZooKeeper',
  'Charts',
  'Events',
  'Faults',
  'Drills',
] as const;
type View = (typeof VIEWS)[number];

/** What shows the cluster from within is for those who may. */
const NEEDS: Partial<Record<View, keyof State['may']>> = {
  ZooKeeper: 'alter',
  Events: 'describe',
  Faults: 'alter',
  Drills: 'alter',
};
const SIGN_OF_LIFE_MS = 5 * 60 * 1000;

/** The page, or whoever has to log in is asked to. */
export function App() {
  const [session, setSession] = useState<SessionView | null>(null);
  const look = (): void => {
    ask<SessionView>('/api/session').then(setSession, () => {});
  };
  if (session?.asksForLogin === true && !session.isIn) return <Login done={look} ended={session.ended} />;
  return <Console refused={look} />;
}

function Console({ refused }: { readonly refused: () => void }) {
  const [state, tell] = useReducer(reduce, FIRST_STATE);
  const [view, setView] = useState<View>(viewOfAddress());
  useEffect(() => follow(tell, refused), []);
  useEffect(() => {
    const moved = (): void => setView(viewOfAddress());
    addEventListener('hashchange', moved);
    return () => removeEventListener('hashchange', moved);
  }, []);
  useEffect(() => {
    // A login ends when nobody looks any more: who looks without asking says so.
    const timer = setInterval(() => {
      if (!document.hidden) ask('/api/session').catch(() => {});
    }, SIGN_OF_LIFE_MS);
    return () => clearInterval(timer);
  }, []);
  const views = VIEWS.filter((each) => maySee(each, state));
  return (
    <>
      <header>
        <h1>Odradek</h1>
        <nav aria-label="Views">
          {views.map((each) => (
            <a key={each} href={`#${each}`} aria-current={each === view ? 'page' : undefined}>
              {each}
            </a>
          ))}
        </nav>
        {state.user !== null && <User name={state.user} done={refused} />}
        <Health state={state} />
      </header>
      <main>{shown(maySee(view, state) ? view : 'Cluster', state)}</main>
      <Timeline state={state} tell={tell} />
    </>
  );
}

function maySee(view: View, { may }: State): boolean {
  const needed = NEEDS[view];
  return needed === undefined || may[needed];
}

function User({ name, done }: { readonly name: string; readonly done: () => void }) {
  const leave = (): void => {
    change('/api/log-out', {}).then(done, done);
  };
  return (
    <button type="button" onClick={leave}>
      log out {name}
    </button>
  );
}

function viewOfAddress(): View {
  const wanted = decodeURIComponent(location.hash.slice(1));
  return VIEWS.find((each) => each === wanted) ?? 'Cluster';
}

function shown(view: View, state: State) {
  const picture = shownPicture(state);
  switch (view) {
    case 'Cluster':
      return <ClusterMap state={state} picture={picture} />;
    case 'Partitions':
      return <Partitions state={state} picture={picture} />;
    case 'Moves':
      return <Moves state={state} picture={picture} />;
    case 'Topics':
      return <Topics picture={picture} />;
    case 'Groups':
      return <Groups />;
    case 'ZooKeeper':
      return <Znodes />;
    case 'Charts':
      return <Charts samples={state.samples} />;
    case 'Faults':
      return <Faults allowsChanges={state.allowsChanges} />;
    case 'Drills':
      return <Drills allowsChanges={state.allowsChanges} />;
    case 'Events':
      return <Events events={state.events} momentMs={state.momentMs} />;
  }
}

function Health({ state }: { readonly state: State }) {
  const { isConnected, trouble, momentMs } = state;
  const words = isConnected
    ? (trouble ?? (momentMs === null ? 'live' : 'an earlier moment'))
    : 'the console is away';
  const tone = isConnected && trouble === null ? (momentMs === null ? 'good' : 'past') : 'bad';
  return (
    <output class={`health ${tone}`} aria-live="polite">
      {words}
    </output>
  );
}
