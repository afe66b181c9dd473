/** The id of a topic beside its records: written before them, and durable no later. */
import { expect, it } from 'vitest';
import { append, fixture } from './support.ts';

const FOLDER = '/data/topic-0';
const TOPIC_ID = 'pAMKOAZDR9y7ZbfpVVkQ8w';

it('first records wait for no sync of their topic id, which is durable soon', async () => {
  const made = fixture();
  const logs = await made.start();
  const log = logs.create('topic', 0, { isNew: true, topicId: TOPIC_ID });
  const synced: string[] = [];
  made.disk.fault = (operation, path) => {
    if (operation === 'sync') synced.push(path);
    return null;
  };
  append(log, ['value']);
  expect(synced).toEqual([]);
  await made.clock.runFor(1);
  expect(synced).toContain(`${FOLDER}/partition.metadata`);
  // What makes the records durable makes the id so before, when it is not yet.
  const another = logs.create('topic', 1, { isNew: true, topicId: TOPIC_ID });
  append(another, ['value']);
  another.flush();
  logs.abandon();
  made.disk.crash('synced');
  const again = await made.start();
  expect(again.log('topic', 1)?.topicId).toBe(TOPIC_ID);
  expect(again.log('topic', 1)?.endOffset).toBe(1);
});

it('records that a power failure has left without the id are kept, and take the one that is told next', async () => {
  const made = fixture();
  const logs = await made.start();
  const log = logs.create('topic', 0, { isNew: true, topicId: TOPIC_ID });
  append(log, ['value']);
  // What the system writes by itself, before the sync of the id is over.
  for (const name of made.disk.list(FOLDER).filter((each) => each !== 'partition.metadata'))
    made.disk.open(`${FOLDER}/${name}`, 'write').sync();
  for (const directory of [FOLDER, '/data']) made.disk.syncDirectory(directory);
  logs.abandon();
  made.disk.crash('synced');
  const again = (await made.start()).log('topic', 0);
  expect([again?.endOffset, again?.topicId]).toEqual([1, null]);
  again?.assignTopicId(TOPIC_ID);
  await made.clock.runFor(1);
  made.disk.crash('synced');
  expect((await made.start()).log('topic', 0)?.topicId).toBe(TOPIC_ID);
});
