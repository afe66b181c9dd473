/** Levels of loggers, and that they decide which lines are written. */

import { describe, expect, it } from 'vitest';
import { lineDiagnostics } from '../../../broker/platform/diagnostics.ts';
import { Loggers } from '../../../broker/platform/loggers.ts';
import { World } from '../../support/world.ts';

describe('a logger', () => {
  it('has the level of the nearest above it, until it has one of its own', () => {
    const loggers = new Loggers('info');
    const level = (name: string) => loggers.levels().get(name);
    loggers.set('kafka.log', 'debug');
    expect([level('kafka.log.LogManager'), level('kafka.log'), level('kafka')]).toEqual([
      'debug',
      'debug',
      'info',
    ]);
    loggers.set('kafka.log.LogManager', 'error');
    loggers.set('root', 'warn');
    expect([level('kafka.log.LogManager'), level('kafka.log.LogCleaner'), level('kafka')]).toEqual([
      'error',
      'debug',
      'warn',
    ]);
    loggers.unset('kafka.log.LogManager');
    loggers.unset('kafka.log');
    expect(level('kafka.log.LogManager')).toBe('warn');
  });

  it('is there before it has said anything, and those above it', () => {
    const names = [...new Loggers('info').levels().keys()];
    expect(names).toEqual([...names].sort());
    for (const name of ['root', 'kafka', 'kafka.controller', 'kafka.controller.KafkaController'])
      expect(names).toContain(name);
  });

  it('that does not exist can’t be set, and the root keeps a level', () => {
    const loggers = new Loggers('info');
    loggers.set('kafka.no.such.Logger', 'debug');
    loggers.unset('root');
    expect(loggers.has('kafka.no.such.Logger')).toBe(false);
    expect(loggers.levels().get('root')).toBe('info');
  });

  it('of somebody that Kafka does not have is below odradek', () => {
    const loggers = new Loggers('debug');
    expect(loggers.of('Something new=1').name).toBe('odradek.Something');
    expect(loggers.levels().get('odradek.Something')).toBe('debug');
  });
});

describe('a line', () => {
  it('is written when the logger of who speaks allows it, from the moment its level is changed', () => {
    const lines: string[] = [];
    const diagnostics = lineDiagnostics(new World().clock, (line) => lines.push(line), 'info');
    const controller = diagnostics.named('Controller id=1');
    const cleaner = controller.named('LogCleaner');
    const speak = (word: string): void => {
      controller.debug(`controller ${word}`);
      cleaner.info(`cleaner ${word}`);
    };
    speak('before');
    diagnostics.loggers.set('kafka.controller.KafkaController', 'trace');
    diagnostics.loggers.set('kafka.log.LogCleaner', 'warn');
    speak('after');
    diagnostics.loggers.unset('kafka.controller.KafkaController');
    diagnostics.loggers.unset('kafka.log.LogCleaner');
    speak('at the end');
    expect(lines.map((line) => line.slice(line.indexOf('] ') + 2))).toEqual([
      'INFO [LogCleaner] cleaner before',
      'DEBUG [Controller id=1] controller after',
      'INFO [LogCleaner] cleaner at the end',
    ]);
  });
});
