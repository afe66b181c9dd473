/**
 * Reads a drill from its file. What is wrong in it is refused with the file, the line, and what is allowed;
 * nothing is run of a file that has a fault.
 */
import { isMap, LineCounter, parseDocument } from 'yaml';
import type { Broken, Drill, Expectation } from './drill.ts';
import { DrillSource, type SingleKey } from './drill-source.ts';
import { stepOf } from './step-file.ts';

const LIMIT_BYTES = 64 * 1024;
const MOST_STEPS = 100;
const REQUIRED = ['title', 'takes', 'steady state', 'hypothesis', 'steps', 'must', 'hint', 'explanation'];
const KEYS = [...REQUIRED, 'needs', 'properties', 'topic configs', 'look at'];

/** `name` is what the drill is called, `file` how the file is spoken of. */
export function parseDrill(text: string, name: string, file: string): Drill {
  const lines = new LineCounter();
  const source = new DrillSource(file, lines);
  if (Buffer.byteLength(text) > LIMIT_BYTES) source.fail(null, `a drill has at most ${LIMIT_BYTES} bytes`);
  const document = parseDocument(text, { lineCounter: lines });
  const [error] = document.errors;
  if (error !== undefined) source.fail(error.pos[0], error.message.split('\n')[0] ?? 'it is no YAML');
  const root = document.contents;
  if (!isMap(root)) return source.fail(null, 'a drill is a list of keys with their values');
  source.checkKeys(root, KEYS, 'a drill');
  for (const key of REQUIRED) if (!root.has(key)) source.fail(null, `'${key}' is missing`);
  const steps = source.items(root, 'steps');
  if (steps.length > MOST_STEPS) source.fail(null, `a drill has at most ${MOST_STEPS} steps`);
  return {
    name,
    title: source.text(root, 'title'),
    takesMs: source.time(root, 'takes'),
    steadyState: source.text(root, 'steady state'),
    hypothesis: source.text(root, 'hypothesis'),
    needsEnsemble: root.has('needs') && source.oneOf(root, 'needs', ['ensemble']) === 'ensemble',
    properties: source.texts(root, 'properties'),
    topicConfigs: source.texts(root, 'topic configs'),
    steps: steps.map((step) => stepOf(source, source.single(step, 'a step'))),
    must: source
      .items(root, 'must')
      .map((each) => expectationOf(source, source.single(each, 'what must hold'))),
    lookAt: root.has('look at')
      ? source.items(root, 'look at').map((each) => source.scalar(each, 'look at'))
      : [],
    hint: source.text(root, 'hint'),
    explanation: source.text(root, 'explanation'),
  };
}

function expectationOf(source: DrillSource, { key, value }: SingleKey): Expectation {
  switch (
    source.known(key, [
      'lost',
      'duplicated',
      'reordered',
      'otherwise',
      'unavailable',
      'event',
      'no event',
      'answered',
    ])
  ) {
    case 'lost':
    case 'duplicated':
    case 'reordered':
    case 'otherwise':
      return { must: key.text as Broken, most: source.most(value, key.text) };
    case 'unavailable':
      return { must: 'unavailable', mostMs: source.timeOf(value, key.text) };
    case 'event':
    case 'no event':
      return { must: key.text as 'event', kind: source.scalar(value, key.text) };
    default:
      return { must: 'answered', error: source.scalar(value, key.text) };
  }
}
