/** Log lines of a long-running process (pino 10): JSON, one a line, whatever a message holds. */
import { pino } from 'pino';
import type { Finding, Notifier } from '../../flow/ports.ts';

export type Level = 'debug' | 'info' | 'warn' | 'error';
type Fields = Readonly<Record<string, string | number | boolean | null>>;

export type LineLog = Readonly<Record<Level, (message: string, fields?: Fields) => void>> & {
  finding(finding: Finding): void;
};

export interface LineLogOptions {
  readonly level: Level;
  readonly write: (line: string) => void;
}

export function createLineLog({ level, write }: LineLogOptions): LineLog {
  const logger = pino(
    {
      level,
      base: null,
      messageKey: 'message',
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    { write },
  );
  const at =
    (one: Level) =>
    (message: string, fields: Fields = {}): void =>
      logger[one](fields, message);
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    finding: (finding) => logger.info({ incident: finding }, String(finding.message)),
  };
}

/** Findings as log lines, beside wherever else they go. */
export function createLogNotifier(log: Pick<LineLog, 'finding'>): Notifier {
  return {
    async publish(findings) {
      for (const finding of findings) log.finding(finding);
    },
    async close() {},
  };
}
