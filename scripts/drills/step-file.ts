/** The steps of a drill's file. */
import { isMap, isScalar, isSeq, type Node, type Pair } from 'yaml';
import { type Awaited, ROLES, type Role, SERVER_ROLES, type ServerRole, type Step } from './drill.ts';
import type { DrillSource, SingleKey } from './drill-source.ts';

const STEPS = [
  ...(['kill', 'stop', 'start', 'pause', 'resume'] as const),
  ...(['fault', 'heal', 'wait', 'wait for', 'create topics', 'move', 'elect unclean'] as const),
];
const AWAITED = [
  'event',
  'in sync',
  'another leader',
  'another controller',
  'no leader',
  'acknowledgements',
] as const;
const MOST_TOPICS = 5000;

export function stepOf(source: DrillSource, { key, value }: SingleKey): Step {
  const step = source.known(key, STEPS, 'steps');
  switch (step) {
    case 'fault':
      return faultOf(source, value);
    case 'heal':
      source.known({ text: source.scalar(value, 'heal'), node: value }, ['everything'], 'heal');
      return { do: 'heal' };
    case 'wait':
      return { do: 'wait', forMs: source.timeOf(value, 'wait') };
    case 'wait for':
      return waitOf(source, value);
    case 'create topics': {
      const count = source.count(value, step);
      if (count > MOST_TOPICS) source.fail(value, `at most ${MOST_TOPICS} topics`);
      return { do: 'create topics', count };
    }
    case 'move':
      return moveOf(source, value);
    case 'elect unclean':
      return { do: 'elect unclean', partition: source.count(value, step) };
    default:
      return { do: step, whom: whomOf(source, value) };
  }
}

function faultOf(source: DrillSource, value: Node | null): Step {
  const map = source.map(value, 'fault');
  if (!map.has('of') || !map.has('is'))
    source.fail(map, "a fault has 'of', whose it is, and 'is', what it is");
  const given: Record<string, unknown> = {};
  for (const { key, value: part } of map.items as Pair<unknown, Node | null>[]) {
    const name = isScalar(key) ? String(key.value) : '';
    if (name !== 'of' && name !== 'is') given[name] = isScalar(part) ? part.value : source.scalar(part, name);
  }
  return {
    do: 'fault',
    of: roleOf(source, map.get('of', true) as Node),
    fault: source.faultKind(map.get('is', true) as Node),
    given,
  };
}

function waitOf(source: DrillSource, value: Node | null): Step {
  const map = source.map(value, 'wait for');
  source.checkKeys(map, [...AWAITED, 'within'], "'wait for'");
  const words = AWAITED.filter((each) => map.has(each));
  const [word] = words;
  if (word === undefined || words.length > 1 || !map.has('within'))
    return source.fail(map, `'wait for' takes one of ${AWAITED.join(', ')}, and 'within'`);
  return {
    do: 'wait for',
    what: awaitedOf(source, word, map.get(word, true) as Node),
    withinMs: source.time(map, 'within'),
  };
}

function awaitedOf(source: DrillSource, word: (typeof AWAITED)[number], node: Node): Awaited {
  if (word === 'event') return { what: 'event', kind: source.scalar(node, word) };
  if (word === 'in sync') {
    const isAll = source.scalar(node, word) === 'all';
    return { what: 'in sync', replicas: isAll ? 'all' : source.count(node, word) };
  }
  source.known({ text: source.scalar(node, word), node }, ['yes'], `'${word}'`);
  return { what: word };
}

function moveOf(source: DrillSource, value: Node | null): Step {
  const map = source.map(value, 'move');
  source.checkKeys(map, ['partition', 'to'], "'move'");
  const to = map.get('to', true) as Node | undefined;
  if (!isSeq(to) || isMap(to))
    return source.fail(map, "'move' takes 'partition', and 'to' with a list of brokers");
  const roles = (to.items as Node[]).map((each) => roleOf(source, each));
  return {
    do: 'move',
    partition: source.count((map.get('partition', true) as Node) ?? null, 'partition'),
    to: roles,
  };
}

function roleOf(source: DrillSource, node: Node | null): Role {
  return source.known({ text: source.scalar(node, 'of'), node }, ROLES, 'brokers');
}

function whomOf(source: DrillSource, node: Node | null): Role | ServerRole {
  return source.known({ text: source.scalar(node, 'whom'), node }, [...ROLES, ...SERVER_ROLES], 'this');
}
