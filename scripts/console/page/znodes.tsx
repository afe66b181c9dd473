/** The tree in ZooKeeper: its nodes, what they hold, whose they are, and what is new since they were looked at. */
import { useRef, useState } from 'preact/hooks';
import type { ZnodeView } from '../views.ts';
import { amount, count, dateAndTime } from './format.ts';
import { useAnswer, useTicks } from './use-answer.ts';

const REFRESH_MS = 2000;

export function Znodes() {
  const [path, setPath] = useState('/');
  return (
    <section aria-label="ZooKeeper" class="split">
      <div class="tree">
        <Branch path="/" name="/" chosen={path} choose={setPath} isOpen />
      </div>
      <Node key={path} path={path} />
    </section>
  );
}

interface BranchProps {
  readonly path: string;
  readonly name: string;
  readonly chosen: string;
  readonly choose: (path: string) => void;
  readonly isOpen?: boolean;
}

function Branch({ path, name, chosen, choose, isOpen = false }: BranchProps) {
  const [open, setOpen] = useState(isOpen);
  return (
    <details open={open} onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>
        <button
          type="button"
          aria-pressed={path === chosen}
          onClick={(event) => {
            event.preventDefault();
            choose(path);
          }}
        >
          {name}
        </button>
      </summary>
      {open && <Branches path={path} chosen={chosen} choose={choose} />}
    </details>
  );
}

/** Only what is open is asked for, and asked again. */
function Branches({ path, chosen, choose }: Omit<BranchProps, 'name'>) {
  const [node, problem] = useAnswer<ZnodeView>('/api/znode', { path }, useTicks(REFRESH_MS));
  if (problem !== null) return <p class="bad">{problem}</p>;
  return (
    <ul>
      {(node?.children ?? []).map((name) => (
        <li key={name}>
          <Branch
            path={path === '/' ? `/${name}` : `${path}/${name}`}
            name={name}
            chosen={chosen}
            choose={choose}
          />
        </li>
      ))}
      {node !== null && node.childrenCount > node.children.length && (
        <li>and {count(node.childrenCount - node.children.length)} more</li>
      )}
    </ul>
  );
}

function Node({ path }: { readonly path: string }) {
  const [node, problem] = useAnswer<ZnodeView>('/api/znode', { path }, useTicks(REFRESH_MS));
  const first = useRef<ZnodeView | null>(null);
  if (first.current === null && node !== null) first.current = node;
  const before = first.current;
  return (
    <div class="detail">
      <h2>{path}</h2>
      {problem !== null && <p class="bad">{problem}</p>}
      {node !== null && (
        <>
          <dl class="facts">
            <dt>version</dt>
            <dd>{node.version}</dd>
            <dt>made</dt>
            <dd>
              {dateAndTime(node.createdMs)} by {node.czxid}
            </dd>
            <dt>changed</dt>
            <dd>
              {dateAndTime(node.modifiedMs)} by {node.mzxid}
            </dd>
            <dt>lives</dt>
            <dd>{node.sessionId === null ? 'until it is deleted' : `with session ${node.sessionId}`}</dd>
            <dt>holds</dt>
            <dd>
              {amount(node.dataLength, 'byte')}
              {node.format === 'hex' ? ', in hexadecimal' : ''}
            </dd>
          </dl>
          <pre>{node.data}</pre>
          {before !== null && before.version !== node.version && (
            <>
              <h3>when it was opened (version {before.version})</h3>
              <pre class="before">{before.data}</pre>
            </>
          )}
        </>
      )}
    </div>
  );
}
