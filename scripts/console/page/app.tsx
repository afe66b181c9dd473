/** The frame of the page: what is where, what is wrong, and the line of time below. */
import { useEffect, useReducer, useState } from 'preact/hooks';
import { Charts } from './charts.tsx';
import { ClusterMap } from './cluster-map.tsx';
import { Events } from './events.tsx';
import { Faults } from './faults.tsx';
import { Groups } from './groups.tsx';
import { Partitions } from './partitions.tsx';
import { follow } from './server.ts';
import { FIRST_STATE, reduce, type State, shownPicture } from './state.ts';
import { Timeline } from './timeline.tsx';
import { Topics } from './topics.tsx';
import { Znodes } from './znodes.tsx';

const VIEWS = [
  'Cluster',
  'Partitions',
  'Topics',
  'Groups',
  'ZooKeeper',
  'Charts',
  'Events',
  'Faults',
] as const;
type View = (typeof VIEWS)[number];

export function App() {
  const [state, tell] = useReducer(reduce, FIRST_STATE);
  const [view, setView] = useState<View>(viewOfAddress());
  useEffect(() => follow(tell), []);
  useEffect(() => {
    const moved = (): void => setView(viewOfAddress());
    addEventListener('hashchange', moved);
    return () => removeEventListener('hashchange', moved);
  }, []);
  return (
    <>
      <header>
        <h1>Odradek</h1>
        <nav aria-label="Views">
          {VIEWS.map((each) => (
            <a key={each} href={`#${each}`} aria-current={each === view ? 'page' : undefined}>
              {each}
            </a>
          ))}
        </nav>
        <Health state={state} />
      </header>
      <main>{shown(view, state)}</main>
      <Timeline state={state} tell={tell} />
    </>
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
