/**
 * Heartbeat (key 12): keeps a member of a group alive.
 * - 3+: group instance id.
 */
import { api, int16, int32, string } from '../schema.ts';

export const Heartbeat = api({
  key: 12,
  name: 'Heartbeat',
  versions: '0-4',
  flexible: '4+',
  request: {
    groupId: string('0+'),
    generationId: int32('0+'),
    memberId: string('0+'),
    groupInstanceId: string('3+', { nullable: '3+', default: null }),
  },
  response: { throttleTimeMs: int32('1+', { ignorable: true }), errorCode: int16('0+') },
});
