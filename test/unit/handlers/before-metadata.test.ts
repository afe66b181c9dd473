/** Before the cluster is known: nothing but what makes clients ask again, and nothing that keeps them waiting. */
import { describe, expect, it } from 'vitest';
import { ErrorCode } from '../../../broker/errors.ts';
import type { Services } from '../../../broker/handlers/services.ts';
import { RULES_BEFORE_METADATA } from '../../../broker/handlers/shared/before-metadata.ts';
import { HANDLERS } from '../../../broker/handlers/table.ts';
import { MetadataCache } from '../../../broker/metadata/metadata-cache.ts';
import { ClientSession } from '../../../broker/network/client-session.ts';
import { createDispatch } from '../../../broker/network/dispatch.ts';
import { decodeResponse } from '../../../broker/protocol/codec.ts';
import { requestFrame } from '../../../broker/protocol/frame.ts';
import { parseResponseHeader } from '../../../broker/protocol/header.ts';
import { Produce } from '../../../broker/protocol/messages/00-produce.ts';
import { Fetch } from '../../../broker/protocol/messages/01-fetch.ts';
import { ListOffsets } from '../../../broker/protocol/messages/02-list-offsets.ts';
import { Metadata } from '../../../broker/protocol/messages/03-metadata.ts';
import { OffsetCommit } from '../../../broker/protocol/messages/08-offset-commit.ts';
import { OffsetFetch } from '../../../broker/protocol/messages/09-offset-fetch.ts';
import { FindCoordinator } from '../../../broker/protocol/messages/10-find-coordinator.ts';
import { ApiVersions } from '../../../broker/protocol/messages/18-api-versions.ts';
import { CreateTopics } from '../../../broker/protocol/messages/19-create-topics.ts';
import { DescribeConfigs } from '../../../broker/protocol/messages/32-describe-configs.ts';
import { DescribeCluster } from '../../../broker/protocol/messages/60-describe-cluster.ts';
import type { AnyApi, RequestInput, ResponseOf } from '../../../broker/protocol/schema.ts';
import { allowEverything } from '../../../broker/security/authorizer.ts';
import { bytesOfParts } from '../../support/message-bytes.ts';
import { metadataDelta } from '../../support/metadata-deltas.ts';
import { broker, services, world } from './support.ts';

const SESSION = new ClientSession({
  id: 'c1',
  listener: 'PLAINTEXT',
  remoteHost: '10.0.0.1',
  securityProtocol: 'PLAINTEXT',
});
const RETRIABLE = new Set<number>([
  ErrorCode.LEADER_NOT_AVAILABLE,
  ErrorCode.NOT_LEADER_OR_FOLLOWER,
  ErrorCode.COORDINATOR_NOT_AVAILABLE,
  ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
  ErrorCode.NOT_COORDINATOR,
  ErrorCode.NOT_CONTROLLER,
  ErrorCode.FETCH_SESSION_ID_NOT_FOUND,
]);

/** Knows who is alive, and no topic: what a controller that has just been elected tells first. */
function halfTold(): Services {
  const metadata = new MetadataCache(world.clock);
  metadata.apply(metadataDelta({ brokers: [broker(1)] }));
  return services({ metadata });
}

async function ask<A extends AnyApi>(api: A, version: number, request: RequestInput<A>) {
  const frame = Buffer.concat(requestFrame(api, version, { correlationId: 1, clientId: 'c' }, request));
  const outcome = await createDispatch(HANDLERS, halfTold(), allowEverything)(frame.subarray(4), SESSION);
  if (typeof outcome === 'string') return outcome;
  const answer = bytesOfParts(outcome.parts).subarray(4);
  const { bodyOffset } = parseResponseHeader(api, version, answer);
  return decodeResponse(api, version, answer.subarray(bodyOffset)) as ResponseOf<A>;
}

describe('before the cluster is known', () => {
  it('every API has its rule', () => {
    const apis = [...HANDLERS.values()].map(({ api }) => api);
    expect(apis.filter((api) => !RULES_BEFORE_METADATA.has(api)).map(({ name }) => name)).toEqual([]);
  });

  it('every code that is answered makes clients ask again', () => {
    const codes = [...RULES_BEFORE_METADATA.values()].filter((rule) => typeof rule === 'number');
    expect(codes.filter((code) => !RETRIABLE.has(code))).toEqual([]);
  });

  const versions = [...RULES_BEFORE_METADATA.keys()].flatMap((api) =>
    [api.minVersion, api.maxVersion].map((version) => ({ title: `${api.name} v${version}`, api, version })),
  );
  it.each(versions.filter(({ api }) => RULES_BEFORE_METADATA.get(api) !== 'serve'))(
    '$title is answered at once, without a word on what exists',
    async ({ api, version }) => {
      const answer = await ask(api, version, {});
      if (answer === 'close') return;
      const codes = JSON.stringify(answer).match(/(?<="errorCode":)-?\d+/g) ?? [];
      expect(codes.filter((code) => Number(code) !== 0 && !RETRIABLE.has(Number(code)))).toEqual([]);
    },
  );

  it('ApiVersions is served', async () => {
    const answer = await ask(ApiVersions, 3, { clientSoftwareName: 'c', clientSoftwareVersion: '1' });
    expect(answer).toMatchObject({ errorCode: ErrorCode.NONE });
  });

  it('a topic that is asked about has no leader yet; to list all of them would be a lie', async () => {
    for (const version of [0, 1, 9, 12]) {
      const answer = await ask(Metadata, version, { topics: [{ name: 't' }], allowAutoTopicCreation: true });
      expect(answer).toMatchObject({
        topics: [{ name: 't', errorCode: ErrorCode.LEADER_NOT_AVAILABLE, partitions: [] }],
      });
      expect(await ask(Metadata, version, { topics: version === 0 ? [] : null })).toBe('close');
      expect(await ask(Metadata, version, { topics: [] })).toBe('close');
    }
    expect(await ask(DescribeCluster, 0, {})).toBe('close');
  });

  it('every partition is led elsewhere', async () => {
    const errorCode = ErrorCode.NOT_LEADER_OR_FOLLOWER;
    const topicData = [{ name: 't', partitionData: [{ index: 0, records: Buffer.alloc(0) }] }];
    expect(await ask(Produce, 9, { acks: -1, timeoutMs: 1, topicData })).toMatchObject({
      responses: [{ partitionResponses: [{ errorCode }] }],
    });
    expect(await ask(Produce, 9, { acks: 0, timeoutMs: 1, topicData })).toBe('close');
    for (const version of [4, 12, 17]) {
      const topics = [{ topic: version < 13 ? 't' : '', partitions: [{ partition: 0, fetchOffset: 5 }] }];
      const asked = { maxWaitMs: 30_000, minBytes: 1, ...(version < 7 ? {} : { sessionId: 0 }), topics };
      expect(await ask(Fetch, version, asked)).toMatchObject({
        responses: [{ partitions: [{ errorCode }] }],
      });
    }
    const partitions = [{ partitionIndex: 0, timestamp: -1 }];
    expect(await ask(ListOffsets, 7, { replicaId: -1, topics: [{ name: 't', partitions }] })).toMatchObject({
      topics: [{ partitions: [{ errorCode }] }],
    });
  });

  it('a fetch session of the process before this one is unknown', async () => {
    const answer = await ask(Fetch, 12, { sessionId: 7, sessionEpoch: 3, topics: [] });
    expect(answer).toMatchObject({ errorCode: ErrorCode.FETCH_SESSION_ID_NOT_FOUND, responses: [] });
  });

  it('groups are coordinated elsewhere, and nobody knows where', async () => {
    const errorCode = ErrorCode.NOT_COORDINATOR;
    const topics = [{ name: 't', partitions: [{ partitionIndex: 0, committedOffset: 1 }] }];
    expect(await ask(OffsetCommit, 8, { groupId: 'g', topics })).toMatchObject({
      topics: [{ partitions: [{ errorCode }] }],
    });
    expect(await ask(OffsetFetch, 8, { groups: [{ groupId: 'g', topics: null }] })).toMatchObject({
      groups: [{ errorCode }],
    });
    expect(await ask(FindCoordinator, 4, { keyType: 0, coordinatorKeys: ['g'] })).toMatchObject({
      coordinators: [{ errorCode: ErrorCode.COORDINATOR_NOT_AVAILABLE }],
    });
  });

  it('there is no controller to make topics, and nobody can tell the configs of one', async () => {
    const topics = [{ name: 't', numPartitions: 1, replicationFactor: 1 }];
    expect(await ask(CreateTopics, 7, { topics, timeoutMs: 1000 })).toMatchObject({
      topics: [{ errorCode: ErrorCode.NOT_CONTROLLER }],
    });
    const resources = [{ resourceType: 2, resourceName: 't', configurationKeys: null }];
    expect(await ask(DescribeConfigs, 4, { resources })).toBe('close');
  });
});
