/** `config check|print|schema`: the configuration of an installation. */
import { existsSync } from 'node:fs';
import { loadConfig } from '../config/load.ts';
import { printConfig } from '../config/print.ts';
import { ROWS } from '../config/rows.ts';
import { configSchema } from '../config/schema.ts';
import { type AddCommand, type ConfigOptions, configOf, configOption, explain } from './command.ts';

export const config: AddCommand = (program, session) => {
  const group = program.command('config').description('check, print and describe the configuration');

  explain(
    group
      .command('check')
      .description('tell whether a configuration is good, with every problem by file, line and key')
      .argument('[file]', 'the configuration, instead of --config')
      .addOption(configOption())
      .action((file: string | undefined, options: ConfigOptions) => {
        const named = file === undefined ? options : { config: file };
        const { values, origins } = configOf(session, named, 'config check');
        for (const { path, key } of ROWS) {
          const value: unknown = values.get(path);
          // State is made on first use; a certificate is mounted, perhaps not where the check runs.
          if (
            key.type !== 'path' ||
            typeof value !== 'string' ||
            !path.includes('.tls.') ||
            existsSync(value)
          )
            continue;
          session.err(`warn  ${origins.get(path)}: "${path}": there is no file ${value} here\n`);
        }
        session.out(`${named.config ?? session.environment.NORMWATCH_CONFIG ?? 'environment'}: good\n`);
      }),
    { examples: ['config check examples/kafka-redis.yaml'] },
  );

  explain(
    group
      .command('print')
      .description('print the values in force and where each is from; secrets as [REDACTED]')
      .argument('[file]', 'the configuration, instead of --config')
      .addOption(configOption())
      .action((file: string | undefined, options: ConfigOptions) => {
        const { environment, folder } = session;
        const named = file ?? options.config ?? environment.NORMWATCH_CONFIG ?? null;
        const loaded = loadConfig({ file: named, environment, folder, demands: false });
        session.out(printConfig(loaded));
      }),
    {
      examples: [
        'config print --config normwatch.yaml',
        'NORMWATCH_LOG_LEVEL=debug normwatch config print -c normwatch.yaml',
      ],
    },
  );

  explain(
    group
      .command('schema')
      .description('print the JSON Schema of the configuration file')
      .action(() => session.out(`${JSON.stringify(configSchema(), null, 2)}\n`)),
    { examples: ['config schema > config.schema.json'] },
  );
};
