/**
 * Carries out what the group's transitions ask for: answers waiting requests, arms timers, writes the
 * group to the log and feeds the outcome back. Everything between two appends is synchronous, so a
 * group never changes under a decision.
 */

import { ErrorCode } from '../../errors.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Diagnostics } from '../../platform/diagnostics.ts';
import { buildBatch } from '../../records/build.ts';
import type { StateLog } from '../state-log.ts';
import { groupErrorFor } from '../state-log.ts';
import type { Effect, JoinAnswer, PersistReason, SyncAnswer, TimerName } from './effects.ts';
import { joinError, syncError } from './effects.ts';
import type { Ticket } from './group.ts';
import { encodeGroupKey, encodeGroupValue } from './group-records.ts';
import type { JoinSettings } from './join.ts';
import { staticRejoinPersisted } from './join.ts';
import { pendingExpired, sessionExpired } from './membership.ts';
import type { GroupEntry, OwnedPartition } from './owned-partition.ts';
import { completeJoin, initialDelayPassed, syncTimedOut } from './rebalance.ts';
import { assignmentPersisted } from './sync.ts';

export interface DriverSettings extends JoinSettings {
  readonly commitTimeoutMs: number;
}

const NO_ASSIGNMENTS: ReadonlyMap<string, Buffer> = new Map();

export class GroupDriver {
  private readonly clock: Clock;
  private readonly log: StateLog;
  private readonly diagnostics: Diagnostics;
  readonly settings: DriverSettings;
  private readonly joins = new Map<Ticket, (answer: JoinAnswer) => void>();
  private readonly syncs = new Map<Ticket, (answer: SyncAnswer) => void>();
  private lastTicket = 0;

  constructor(options: { clock: Clock; log: StateLog; diagnostics: Diagnostics; settings: DriverSettings }) {
    this.clock = options.clock;
    this.log = options.log;
    this.diagnostics = options.diagnostics;
    this.settings = options.settings;
  }

  /** Runs a transition that needs a join ticket and promises its answer. */
  awaitJoin(entry: GroupEntry, run: (ticket: Ticket) => Effect[]): Promise<JoinAnswer> {
    const ticket = ++this.lastTicket;
    return new Promise((resolve) => {
      this.joins.set(ticket, resolve);
      this.carryOut(entry, run(ticket));
    });
  }

  awaitSync(entry: GroupEntry, run: (ticket: Ticket) => Effect[]): Promise<SyncAnswer> {
    const ticket = ++this.lastTicket;
    return new Promise((resolve) => {
      this.syncs.set(ticket, resolve);
      this.carryOut(entry, run(ticket));
    });
  }

  carryOut(entry: GroupEntry, effects: readonly Effect[]): void {
    for (const effect of effects) {
      switch (effect.do) {
        case 'answer-join':
          this.answerJoin(effect.ticket, effect.answer);
          break;
        case 'answer-sync':
          this.answerSync(effect.ticket, effect.answer);
          break;
        case 'arm':
          this.arm(entry, effect.timer, effect.delayMs);
          break;
        case 'disarm':
          disarm(entry, effect.timer);
          break;
        case 'persist':
          void this.persist(entry, effect.reason);
          break;
      }
    }
  }

  /** The partition has moved away: whoever waits is told, and no timer of it fires again. */
  unload(owner: OwnedPartition): void {
    for (const entry of owner.groups.values()) {
      for (const timer of entry.timers.values()) timer.cancel();
      entry.timers.clear();
      for (const member of entry.group.members.values()) {
        if (member.joinTicket !== null) {
          this.answerJoin(member.joinTicket, joinError(ErrorCode.NOT_COORDINATOR, member.memberId));
        }
        if (member.syncTicket !== null)
          this.answerSync(member.syncTicket, syncError(ErrorCode.NOT_COORDINATOR));
        member.joinTicket = null;
        member.syncTicket = null;
      }
      entry.group.state = 'Dead';
    }
    owner.groups.clear();
  }

  private answerJoin(ticket: Ticket, answer: JoinAnswer): void {
    this.joins.get(ticket)?.(answer);
    this.joins.delete(ticket);
  }

  private answerSync(ticket: Ticket, answer: SyncAnswer): void {
    this.syncs.get(ticket)?.(answer);
    this.syncs.delete(ticket);
  }

  private arm(entry: GroupEntry, name: TimerName, delayMs: number): void {
    disarm(entry, name);
    const timer = this.clock.after(delayMs, () => {
      if (entry.timers.get(name) !== timer) return;
      entry.timers.delete(name);
      if (entry.owner.state === 'active') this.carryOut(entry, this.timerFired(entry, name));
    });
    entry.timers.set(name, timer);
  }

  private timerFired(entry: GroupEntry, name: TimerName): Effect[] {
    const { group } = entry;
    const at = { settings: this.settings, nowMs: this.clock.wallMs() };
    if (name === 'rebalance') return completeJoin(group, at.nowMs);
    if (name === 'initial-delay') return initialDelayPassed(group, at.settings, at.nowMs);
    if (name === 'sync') return syncTimedOut(group, at.settings, at.nowMs);
    if (name.startsWith('pending:')) return pendingExpired(group, name.slice('pending:'.length), at.nowMs);
    const memberId = name.slice('session:'.length);
    const effects = sessionExpired(group, memberId, at);
    if (effects.length > 0) {
      this.diagnostics.info(
        `Member ${memberId} in group ${group.groupId} has failed, removing it from the group`,
      );
    }
    return effects;
  }

  private async persist(entry: GroupEntry, reason: PersistReason): Promise<void> {
    const { group, owner } = entry;
    const outcome = await this.append(entry, reason).catch((failure: unknown) => {
      // A group of clients with endless names does not fit into a record; that is theirs to suffer.
      this.diagnostics.error(`Group ${group.groupId} cannot be written`, failure);
      return { error: ErrorCode.UNKNOWN_SERVER_ERROR };
    });
    if (owner.state !== 'active') return;
    const error = groupErrorFor(outcome.error);
    if (error !== ErrorCode.NONE) {
      this.diagnostics.warn(
        `Group ${group.groupId} could not be stored (${reason.why}): error ${outcome.error}`,
      );
    }
    const at = { settings: this.settings, nowMs: this.clock.wallMs() };
    if (reason.why === 'assignment') this.carryOut(entry, assignmentPersisted(group, reason, error, at));
    if (reason.why === 'static-rejoin') this.carryOut(entry, staticRejoinPersisted(group, reason, error));
  }

  private async append({ group, owner }: GroupEntry, reason: PersistReason): Promise<{ error: number }> {
    const assignments = reason.why === 'assignment' ? reason.assignments : NO_ASSIGNMENTS;
    const batch = buildBatch({
      records: [
        {
          timestampMs: this.clock.wallMs(),
          key: encodeGroupKey(group.groupId),
          value: encodeGroupValue(group, assignments),
          headers: [],
        },
      ],
    });
    return this.log.append(owner.partition, batch, {
      leaderEpoch: owner.leaderEpoch,
      timeoutMs: this.settings.commitTimeoutMs,
    });
  }
}

function disarm(entry: GroupEntry, name: TimerName): void {
  entry.timers.get(name)?.cancel();
  entry.timers.delete(name);
}
