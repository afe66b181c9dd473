/** The types that a declaration yields: checked by the compiler; running it only proves that the file loads. */
import { describe, expectTypeOf, it } from 'vitest';
import { Produce } from '../../../broker/protocol/messages/00-produce.ts';
import { Metadata } from '../../../broker/protocol/messages/03-metadata.ts';
import type { ConsumerGroupHeartbeat } from '../../../broker/protocol/messages/68-consumer-group-heartbeat.ts';
import type { AnyApi, RequestOf, ResponseInput, ResponseOf } from '../../../broker/protocol/schema.ts';

describe('the types of a message', () => {
  it('decode to every field, null only where null is legal', () => {
    type Request = RequestOf<typeof Produce>;
    expectTypeOf<Request['acks']>().toEqualTypeOf<number>();
    expectTypeOf<Request['transactionalId']>().toEqualTypeOf<string | null>();
    type Partition = Request['topicData'][number]['partitionData'][number];
    expectTypeOf<Partition['records']>().toEqualTypeOf<Buffer | null>();
    expectTypeOf<RequestOf<typeof Metadata>['topics']>().not.toEqualTypeOf<readonly never[]>();
    expectTypeOf<null>().toExtend<RequestOf<typeof Metadata>['topics']>();
    expectTypeOf<null>().not.toExtend<ResponseOf<typeof Metadata>['topics']>();
    expectTypeOf<null>().toExtend<ResponseOf<typeof ConsumerGroupHeartbeat>['assignment']>();
  });

  it('encode from any part of the fields, and from what was decoded', () => {
    expectTypeOf<{ throttleTimeMs: number }>().toExtend<ResponseInput<typeof Metadata>>();
    expectTypeOf<ResponseOf<typeof Metadata>>().toExtend<ResponseInput<typeof Metadata>>();
    expectTypeOf<{ throttleTimeMs: string }>().not.toExtend<ResponseInput<typeof Metadata>>();
  });

  it('fit the type of any API', () => {
    expectTypeOf(Produce).toExtend<AnyApi>();
    expectTypeOf(Metadata).toExtend<AnyApi>();
  });
});
