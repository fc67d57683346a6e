import type { Finding, Notifier, Producer } from '../../flow/ports.ts';

export const FINDING_TYPE = 'dev.normwatch.incident.v1';

export interface TopicNotifierOptions {
  /** Writes to the findings topic; closed together with the notifier. */
  readonly producer: Producer;
}

/** Findings as CloudEvents 1.0 over Kafka in binary mode: attributes in headers, the incident line as the value. */
export function createTopicNotifier({ producer }: TopicNotifierOptions): Notifier {
  return {
    publish: (findings) =>
      producer.send(
        findings.map((finding) => ({
          key: `${finding.environment}/${finding.model}`,
          value: Buffer.from(JSON.stringify(finding)),
          headers: cloudEventHeaders(finding),
        })),
      ),
    close: () => producer.close(),
  };
}

function cloudEventHeaders(finding: Finding): Record<string, string> {
  const time = String(finding.time);
  return {
    ce_specversion: '1.0',
    ce_type: FINDING_TYPE,
    // Equal for repeats of one finding: sent at least once, told apart by this.
    ce_id: `${finding.id}/${finding.event}/${time}`,
    ce_source: '/normwatch',
    ce_time: time,
    'content-type': 'application/json',
  };
}
