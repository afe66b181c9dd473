/**
 * What the page may ask, one entry each: path, what stands in the query, and who answers. Answers are plain
 * data for JSON. A question that is wrong is refused with what is allowed; one that would change something is
 * in `CHANGES`, which are only served with --allow-changes.
 */
import type { Coordinator } from '../../coordinator-client/coordinator.ts';
import type { AdminClient } from '../cli/admin-client.ts';
import { resourceConfigs } from '../cli/configs/resource-configs.ts';
import {
  cancelMove,
  clearThrottles,
  electLeader,
  movePartition,
  throttleMoves,
  throttlesView,
} from './changes.ts';
import type { ClusterRight } from './cluster-rights.ts';
import { faultKinds, faultList, healAll, strike } from './fault-views.ts';
import { groupList, groupView } from './group-views.ts';
import type { BrokerPicture } from './picture.ts';
import type { Reader } from './reader.ts';
import { recordsPage } from './record-views.ts';
import { BadQuestion, NotFound } from './refusals.ts';
import { type Subject, storyAbout } from './stories.ts';
import type { ConfigView } from './views.ts';
import type { Watched } from './watched-cluster.ts';
import { znodeView } from './znode-view.ts';

const MOST_RECORDS = 500;
const DEFAULT_RECORDS = 50;

type Asked = ReadonlyMap<string, string>;
type Answers = (reader: Reader, asked: Asked) => Promise<unknown> | unknown;

/** Answers whoever may do that to the cluster; to all others it is Forbidden. */
function whoMay(right: ClusterRight, answers: Answers): Answers {
  return async (reader, asked) => {
    await reader.rights.need(right);
    return answers(reader, asked);
  };
}

export const QUESTIONS: ReadonlyMap<string, Answers> = new Map<string, Answers>([
  ['/api/picture', ({ watched }) => ({ picture: watched.picture, trouble: watched.trouble })],
  ['/api/recording', ({ watched }) => watched.recorder.recording()],
  ['/api/events', whoMay('DESCRIBE', ({ events }) => events.kept)],
  ['/api/story', whoMay('DESCRIBE', ({ admin }, asked) => storyAbout(admin, subjectOf(asked)))],
  ['/api/fault-kinds', () => faultKinds()],
  ['/api/faults', whoMay('ALTER', ({ watched }) => faultList(watched.picture.brokers))],
  ['/api/znode', whoMay('ALTER', ({ coordinator }, asked) => znodeView(need(coordinator), znodePath(asked)))],
  ['/api/drills', whoMay('ALTER', ({ drills }) => drills.list())],
  ['/api/drill-run', whoMay('ALTER', ({ drills }) => ({ run: drills.view() }))],
  ['/api/throttles', ({ admin }) => throttlesView(admin)],
  ['/api/groups', ({ admin }) => groupList(admin)],
  ['/api/group', ({ admin }, asked) => groupView(admin, text(asked, 'id'))],
  [
    '/api/records',
    ({ admin, values }, asked) => {
      const offset = asked.has('offset') ? integer(asked, 'offset') : -DEFAULT_RECORDS;
      const most = asked.has('most') ? integer(asked, 'most') : DEFAULT_RECORDS;
      if (most < 1 || most > MOST_RECORDS) throw new BadQuestion(`most is 1 to ${MOST_RECORDS}, not ${most}`);
      return recordsPage(admin, place(asked), { offset, most, values });
    },
  ],
  [
    '/api/configs',
    ({ admin }, asked) => {
      const type = text(asked, 'type');
      if (type !== 'topics' && type !== 'brokers')
        throw new BadQuestion(`type is topics or brokers, not '${type}'`);
      return configViews(admin, type, text(asked, 'name'));
    },
  ],
]);

export const CHANGES: ReadonlyMap<string, Answers> = new Map<string, Answers>([
  [
    '/api/elect-leader',
    ({ admin }, asked) => {
      const type = text(asked, 'type');
      if (type !== 'preferred' && type !== 'unclean')
        throw new BadQuestion(`type is preferred or unclean, not '${type}'`);
      return electLeader(admin, place(asked), type);
    },
  ],
  [
    '/api/move',
    ({ admin }, asked) =>
      movePartition(admin, place(asked), {
        replicas: brokerIds(asked, 'replicas'),
        rate: asked.has('rate') ? rate(asked) : null,
      }),
  ],
  ['/api/cancel-move', ({ admin }, asked) => cancelMove(admin, place(asked))],
  ['/api/start-drill', whoMay('ALTER', ({ drills }, asked) => drills.start(text(asked, 'name')))],
  ['/api/call-off-drill', whoMay('ALTER', ({ drills }) => drills.callOff())],
  ['/api/throttle', ({ admin }, asked) => throttleMoves(admin, rate(asked))],
  ['/api/clear-throttles', ({ admin }) => clearThrottles(admin)],
  [
    '/api/strike',
    whoMay('ALTER', ({ watched }, asked) =>
      strike(brokerOf(watched, asked), text(asked, 'fault'), asked.get('given') ?? '{}'),
    ),
  ],
  ['/api/heal', whoMay('ALTER', ({ watched }, asked) => healAll(brokerOf(watched, asked)))],
]);

async function configViews(
  admin: AdminClient,
  type: 'topics' | 'brokers',
  name: string,
): Promise<readonly ConfigView[]> {
  const entries = await resourceConfigs(admin, { type, name });
  return entries.map(({ name: config, value, source }) => ({ name: config, value, source }));
}

function need(coordinator: Coordinator | null): Coordinator {
  if (coordinator === null)
    throw new NotFound('this console does not look at ZooKeeper: it was given no --zookeeper');
  return coordinator;
}

function text(asked: Asked, name: string): string {
  const value = asked.get(name);
  if (value === undefined || value === '') throw new BadQuestion(`${name} is missing`);
  return value;
}

function integer(asked: Asked, name: string): number {
  const value = Number(text(asked, name));
  if (!Number.isSafeInteger(value))
    throw new BadQuestion(`${name} is an integer, not '${text(asked, name)}'`);
  return value;
}

/** Bytes a second. */
function rate(asked: Asked): number {
  const value = integer(asked, 'rate');
  if (value < 1) throw new BadQuestion(`rate is bytes a second, from 1, not ${value}`);
  return value;
}

function brokerIds(asked: Asked, name: string): number[] {
  const ids = text(asked, name).split(',').map(Number);
  if (ids.some((id) => !Number.isSafeInteger(id) || id < 0))
    throw new BadQuestion(`${name} takes ids of brokers with commas between, not '${text(asked, name)}'`);
  return ids;
}

function place(asked: Asked): { readonly topic: string; readonly partition: number } {
  return { topic: text(asked, 'topic'), partition: integer(asked, 'partition') };
}

function brokerOf(watched: Watched, asked: Asked): BrokerPicture | undefined {
  const id = integer(asked, 'broker');
  return watched.picture.brokers.find((broker) => broker.id === id);
}

function subjectOf(asked: Asked): Subject {
  if (asked.has('broker')) return { what: 'broker', id: integer(asked, 'broker') };
  if (!asked.has('partition')) return { what: 'controller' };
  const name = text(asked, 'partition');
  if (!/^.+-\d+$/.test(name)) throw new BadQuestion(`partition is TOPIC-NUMBER, not '${name}'`);
  return { what: 'partition', name };
}

function znodePath(asked: Asked): string {
  const path = text(asked, 'path');
  if (!path.startsWith('/') || path.includes('//') || (path !== '/' && path.endsWith('/')))
    throw new BadQuestion(`a path begins with / and has no empty parts, not '${path}'`);
  return path;
}
