/** Which broker it is, when nobody says so. */
import { expect, it } from 'vitest';
import { brokerConfig, reconfigured } from '../../../broker/config/broker-config.ts';
import { identify } from '../../../broker/node/identity.ts';
import type { ClusterStore } from '../../../coordinator-client/stores/cluster-store.ts';

it.each([{}, { 'broker.id': '-1' }, { 'node.id': '-1' }])(
  'a broker without an id takes one from the cluster, under both of its names, and keeps it: %o',
  async (given) => {
    const config = brokerConfig(new Map(Object.entries({ 'zookeeper.connect': 'tree:2181', ...given })));
    const store = { nextSequenceBrokerId: async () => 3 } as ClusterStore;
    const directories = { openAndReadMeta: () => ({ brokerId: null, clusterId: null }), claim() {} };
    const named = await identify(config, 'cluster', store, directories);
    expect([named.brokerId, named.nodeId]).toEqual([1003, 1003]);
    const changed = reconfigured(named, new Map([['message.max.bytes', '5']]), new Map());
    expect([changed.brokerId, changed.nodeId, changed.messageMaxBytes]).toEqual([1003, 1003, 5]);
  },
);
