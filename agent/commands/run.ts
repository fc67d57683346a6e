/** `run`: the agent, the intake, or both, until told to stop. */
import { type AddCommand, type ConfigOptions, configOf, configOption, explain } from './command.ts';

export const run: AddCommand = (program, session) => {
  const command = program
    .command('run')
    .description('run the agent, the intake, or both, as the configuration says')
    .addOption(configOption())
    .action(async (options: ConfigOptions) => {
      const { config } = configOf(session, options, 'run');
      // Loaded when asked for: other commands need neither page nor metrics.
      const { runRoles } = await import('../service/roles.ts');
      await runRoles(session, config);
    });
  explain(command, {
    more:
      'Logs JSON Lines to standard output; incidents are among them. SIGTERM commits, leaves the group and ends.\n' +
      'Kafka or the store out of reach is no reason to end: /readyz says which, and work goes on when they return.',
    examples: ['run --config normwatch.yaml', 'NORMWATCH_ROLES=intake normwatch run --config normwatch.yaml'],
  });
};
