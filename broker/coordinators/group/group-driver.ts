/**
 * Carries out what the group's transitions ask for: answers waiting requests, arms timers, writes the
 * group to the log and feeds the outcome back. Everything between two appends is synchronous, so a
 * group never changes under a decision.
 */

import { ErrorCode, errorName } from '../../errors.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Diagnostics } from '../../platform/diagnostics.ts';
import type { Journal } from '../../platform/journal.ts';
import { SharedTurn } from '../../platform/loop-turns.ts';
import type { CoordinatorRuntime } from '../runtime/coordinator-runtime.ts';
import { groupErrorFor } from './append-errors.ts';
import type { Effect, JoinAnswer, PersistReason, SyncAnswer, TimerName } from './effects.ts';
import { joinError, syncError } from './effects.ts';
import type { Ticket } from './group.ts';
import { GroupJournal } from './group-journal.ts';
import type { GroupRecord } from './group-records.ts';
import type { GroupEntry, GroupOwner, GroupShard } from './group-shard.ts';
import { type Ahead, groupValue } from './group-value.ts';
import type { JoinSettings } from './join.ts';
import { staticReturnStored } from './join.ts';
import { pendingExpired, sessionExpired } from './membership.ts';
import { completeJoin, initialDelayPassed, syncTimedOut } from './rebalance.ts';
import { assignmentStored } from './sync.ts';

/** A group and the partition it is in. */
export interface Placed {
  readonly owner: GroupOwner;
  readonly entry: GroupEntry;
}

/** What a member's request does when it is answered comes after the answer was given, and takes some tens of microseconds. */
const ANSWERS_PER_TURN = 100;

export class GroupDriver {
  readonly #clock: Clock;
  readonly #runtime: CoordinatorRuntime<GroupRecord, GroupShard>;
  readonly #diagnostics: Diagnostics;
  readonly #settings: JoinSettings;
  readonly #journal: GroupJournal;
  /** Shared by all groups: thousands of members are answered together. */
  readonly #answers: SharedTurn;
  /** Requests that wait, by ticket; each leaves when it is answered. */
  readonly #joins = new Map<Ticket, (answer: JoinAnswer) => void>();
  readonly #syncs = new Map<Ticket, (answer: SyncAnswer) => void>();
  /** Of joins and syncs together; never used twice. */
  #lastTicket = 0;

  constructor(parts: {
    clock: Clock;
    runtime: CoordinatorRuntime<GroupRecord, GroupShard>;
    diagnostics: Diagnostics;
    settings: JoinSettings;
    journal: Pick<Journal, 'record'>;
  }) {
    this.#clock = parts.clock;
    this.#answers = new SharedTurn(parts.clock, ANSWERS_PER_TURN);
    this.#runtime = parts.runtime;
    this.#diagnostics = parts.diagnostics;
    this.#settings = parts.settings;
    this.#journal = new GroupJournal(parts.journal, parts.clock);
  }

  /** Runs a transition that needs a join ticket and promises its answer. */
  awaitJoin(placed: Placed, run: (ticket: Ticket) => Effect[]): Promise<JoinAnswer> {
    const ticket = ++this.#lastTicket;
    return new Promise((resolve) => {
      this.#joins.set(ticket, resolve);
      this.carryOut(placed, run(ticket));
    });
  }

  awaitSync(placed: Placed, run: (ticket: Ticket) => Effect[]): Promise<SyncAnswer> {
    const ticket = ++this.#lastTicket;
    return new Promise((resolve) => {
      this.#syncs.set(ticket, resolve);
      this.carryOut(placed, run(ticket));
    });
  }

  /** In their order. A timer that fires after the partition was given up does nothing. */
  carryOut(placed: Placed, effects: readonly Effect[]): void {
    const { timers } = placed.entry;
    for (const effect of effects) {
      switch (effect.do) {
        case 'answer-join':
          this.#answerJoin(effect.ticket, effect.answer);
          break;
        case 'answer-sync':
          this.#answerSync(effect.ticket, effect.answer);
          break;
        case 'arm':
          timers.arm(effect.timer, effect.delayMs, () => {
            if (placed.owner.state === 'active') {
              this.carryOut(placed, this.#timerFired(placed.entry, effect.timer));
            }
          });
          break;
        case 'disarm':
          timers.disarm(effect.timer);
          break;
        case 'persist':
          void this.#persist(placed, effect.reason);
          break;
      }
    }
  }

  /** The partition has moved away: whoever waits is told, and no timer of it fires again. */
  unload(owner: GroupOwner): void {
    for (const entry of owner.shard.groups.values()) {
      for (const member of entry.group.members.values()) {
        if (member.joinTicket !== null) {
          this.#answerJoin(member.joinTicket, joinError(ErrorCode.NOT_COORDINATOR, member.memberId));
        }
        if (member.syncTicket !== null)
          this.#answerSync(member.syncTicket, syncError(ErrorCode.NOT_COORDINATOR));
        member.joinTicket = null;
        member.syncTicket = null;
      }
      owner.shard.forget(entry);
    }
  }

  #answerJoin(ticket: Ticket, answer: JoinAnswer): void {
    const give = this.#joins.get(ticket);
    this.#joins.delete(ticket);
    if (give !== undefined) this.#answers.run(() => give(answer));
  }

  #answerSync(ticket: Ticket, answer: SyncAnswer): void {
    const give = this.#syncs.get(ticket);
    this.#syncs.delete(ticket);
    if (give !== undefined) this.#answers.run(() => give(answer));
  }

  #timerFired({ group }: GroupEntry, name: TimerName): Effect[] {
    const context = { settings: this.#settings, nowMs: this.#clock.wallMs() };
    if (name === 'rebalance') return completeJoin(group, context.nowMs);
    if (name === 'initial-delay') return initialDelayPassed(group, context.settings, context.nowMs);
    if (name === 'sync') return syncTimedOut(group, context.settings, context.nowMs);
    if (name.startsWith('pending:'))
      return pendingExpired(group, name.slice('pending:'.length), context.nowMs);
    const memberId = name.slice('session:'.length);
    const effects = sessionExpired(group, memberId, context);
    if (effects.length > 0) {
      this.#journal.memberFailed(group, memberId);
      this.#diagnostics.info(
        `Member ${memberId} in group ${group.groupId} has failed, removing it from the group`,
      );
    }
    return effects;
  }

  /** Writes the group, and lets the transition that asked for it go on. Never rejects. */
  async #persist({ owner, entry }: Placed, reason: PersistReason): Promise<void> {
    const { group } = entry;
    const { groupId } = group;
    if (reason.why !== 'static-return') this.#journal.rebalanced(group);
    const record: GroupRecord = { kind: 'group', groupId, value: groupValue(group, aheadFor(reason)) };
    const failure = await this.#runtime.write(owner, [record]);
    const error = owner.state === 'active' ? groupErrorFor(failure) : ErrorCode.NOT_COORDINATOR;
    if (failure !== ErrorCode.NONE) {
      this.#diagnostics.warn(`Group ${groupId} could not be stored (${reason.why}): ${errorName(failure)}`);
    }
    const context = { settings: this.#settings, nowMs: this.#clock.wallMs() };
    if (reason.why === 'static-return') {
      this.carryOut({ owner, entry }, staticReturnStored(group, reason, error, context));
    }
    // Whoever waited for an assignment was told when the partition was given up.
    if (reason.why === 'assignment' && owner.state === 'active') {
      this.carryOut({ owner, entry }, assignmentStored(group, reason, error, context));
    }
  }
}

function aheadFor(reason: PersistReason): Ahead {
  if (reason.why === 'assignment') return { assignments: reason.assignments };
  return reason.why === 'static-return' ? { returned: reason.returned } : {};
}
