/**
 * The journal of a broker beyond its memory: kept on disk as far as it is configured, and read over HTTP. On
 * disk it is told before everything else and closed after it, the end of the broker being the last event.
 */
import type { FixedConfig } from '../config/broker-config.ts';
import { EventsPage } from '../http/events-page.ts';
import { JournalFiles } from '../platform/journal-files/journal-files.ts';
import { JournalKeeper } from '../platform/journal-files/journal-keeper.ts';
import type { Platform } from '../platform/platform.ts';

interface KeptJournal {
  /** null where it is in memory only. */
  readonly keeper: JournalKeeper | null;
  /** /events */
  readonly page: EventsPage;
}

/** Nothing is read or written yet. */
export function makeJournal(
  { disk, clock, diagnostics, journal }: Platform,
  config: FixedConfig,
): KeptJournal {
  const told = diagnostics.named('Journal');
  const directory = config.journalDir ?? config.logDirs[0] ?? '';
  const isLocked = config.logDirs.includes(directory);
  const files =
    config.journalMaxBytes === 0
      ? null
      : new JournalFiles({ disk, directory, isLocked, maxBytes: config.journalMaxBytes, diagnostics: told });
  return {
    keeper: files === null ? null : new JournalKeeper({ journal, files, clock, diagnostics: told }),
    page: new EventsPage({ journal, files, clock, maxReaders: config.journalMaxReaders }),
  };
}
