import type { Dashboard, Panel } from './grafana.ts';

const range = '[$__rate_interval]';

/** Per second, one line for each value of a label. */
const rate = (title: string, metric: string, by: string, unit = 'ops'): Panel => ({
  title,
  unit,
  queries: [[`sum by (${by}) (rate(${metric}${range}))`, `{{${by}}}`]],
});

/** The median and the 99th percentile of a histogram. */
const quantiles = (title: string, metric: string, unit = 's', selector = ''): Panel => ({
  title,
  unit,
  queries: ['0.5', '0.99'].map((q) => [
    `histogram_quantile(${q}, sum by (le) (rate(${metric}_bucket${selector}${range})))`,
    `${Number(q) * 100} %`,
  ]),
});

/** The 99th percentile of a histogram, one line for each value of a label. */
const p99 = (title: string, metric: string, by: string): Panel => ({
  title,
  unit: 's',
  queries: [
    [`histogram_quantile(0.99, sum by (le, ${by}) (rate(${metric}_bucket${range})))`, `{{${by}}}`],
  ],
});

/** The highest value of a gauge, one line for each value of a label. */
const highest = (title: string, metric: string, by: string, unit = 'short'): Panel => ({
  title,
  unit,
  queries: [[`max by (${by}) (${metric})`, `{{${by}}}`]],
});

/** Which part of the first counter and the second together is the first one. */
const share = (title: string, hits: string, misses: string): Panel => ({
  title,
  unit: 'percentunit',
  queries: [
    [
      `sum(rate(${hits}${range})) / (sum(rate(${hits}${range})) + sum(rate(${misses}${range})))`,
      'share',
    ],
  ],
});

const mesh: Dashboard = {
  uid: 'ordermesh-mesh',
  title: 'ordermesh: the mesh',
  rows: [
    {
      title: 'What clients see',
      panels: [
        rate('Requests', 'http_server_request_duration_count', 'http_route', 'reqps'),
        rate('Answers', 'http_server_request_duration_count', 'http_response_status_code', 'reqps'),
        quantiles('Time to answer', 'http_server_request_duration'),
        {
          title: 'Failed requests (allowed: 0.1 %)',
          unit: 'percentunit',
          queries: [
            ['namespace_job:http_server_requests:error_ratio_rate5m', '5 min'],
            ['namespace_job:http_server_requests:error_ratio_rate1h', '1 h'],
          ],
        },
        {
          title: 'Requests over 500 ms (allowed: 1 %)',
          unit: 'percentunit',
          queries: [
            ['namespace_job:http_server_requests:slow_ratio_rate5m', '5 min'],
            ['namespace_job:http_server_requests:slow_ratio_rate1h', '1 h'],
          ],
        },
        p99('Time to answer by route, 99 %', 'http_server_request_duration', 'http_route'),
      ],
    },
    {
      title: 'Between the services',
      panels: [
        rate('Calls answered', 'rpc_server_call_duration_count', 'rpc_method', 'reqps'),
        rate('Calls made', 'rpc_client_call_duration_count', 'rpc_status_code', 'reqps'),
        p99('Time to answer a call, 99 %', 'rpc_server_call_duration', 'rpc_method'),
      ],
    },
    {
      title: 'Processes',
      panels: [
        { title: 'Answer to scrapes', unit: 'short', queries: [['sum by (job) (up)', '{{job}}']] },
        highest('Event loop delay, 99 %', 'nodejs_eventloop_delay_p99', 'job', 's'),
        highest('Event loop in use', 'nodejs_eventloop_utilization', 'job', 'percentunit'),
        rate('CPU', 'process_cpu_time_total', 'job', 'short'),
        highest('Memory', 'process_memory_usage', 'job', 'bytes'),
        highest('Heap', 'v8js_memory_heap_used', 'job', 'bytes'),
        {
          title: 'Certificates expire in',
          unit: 's',
          queries: [['min by (job) (ordermesh_tls_certificate_expiry)', '{{job}}']],
        },
      ],
    },
  ],
};

const writeSide: Dashboard = {
  uid: 'ordermesh-write-side',
  title: 'ordermesh: write side',
  rows: [
    {
      title: 'Appending to the log',
      panels: [
        rate('Commands appended', 'ordermesh_eventstore_append_duration_count', 'job'),
        quantiles('Time to append', 'ordermesh_eventstore_append_duration'),
        quantiles('Commands per batch', 'ordermesh_eventstore_batch_size', 'short'),
        highest('Commands that wait', 'ordermesh_eventstore_queue_depth', 'instance'),
        rate('Version conflicts', 'ordermesh_eventstore_conflicts_total', 'job'),
        rate('Lost answers', 'ordermesh_eventstore_unknown_outcomes_total', 'resolution'),
      ],
    },
    {
      title: 'Loading orders',
      panels: [
        quantiles('Events read per load', 'ordermesh_eventstore_rehydrate_events', 'short'),
        share(
          'Found in the cache',
          'ordermesh_eventstore_cache_hits_total',
          'ordermesh_eventstore_cache_misses_total',
        ),
        rate('Loads from a snapshot', 'ordermesh_eventstore_snapshot_hits_total', 'job'),
        rate('Snapshots not usable', 'ordermesh_eventstore_snapshot_discards_total', 'reason'),
        rate('Snapshots due', 'ordermesh_eventstore_snapshot_writes_total', 'outcome'),
        rate('Idempotency keys purged', 'ordermesh_idempotency_purged_total', 'job'),
      ],
    },
    {
      title: 'Relay to the bus',
      panels: [
        highest('Events not on the bus', 'ordermesh_relay_pending', 'messaging_system_name'),
        highest('Oldest of them', 'ordermesh_relay_oldest_age', 'messaging_system_name', 's'),
        {
          title: 'Sent again',
          unit: 'ops',
          queries: [
            [`sum(rate(ordermesh_relay_skipped_total${range}))`, 'left out by the Kafka client'],
            [`sum(rate(ordermesh_relay_restored_total${range}))`, 'lost by Redis'],
          ],
        },
        highest('Log diverged', 'ordermesh_log_diverged', 'job'),
      ],
    },
  ],
};

const readSide: Dashboard = {
  uid: 'ordermesh-read-side',
  title: 'ordermesh: read side',
  rows: [
    {
      title: 'Projections',
      panels: [
        highest('Lag', 'ordermesh_projection_lag', 'ordermesh_projection', 's'),
        {
          title: 'Events behind',
          unit: 'short',
          queries: [
            [
              'sum by (ordermesh_projection) (ordermesh_projection_lag_events)',
              '{{ordermesh_projection}}',
            ],
          ],
        },
        p99('From event to view, 99 %', 'ordermesh_projection_delay', 'ordermesh_projection'),
        {
          title: 'Events behind by partition',
          unit: 'short',
          queries: [
            [
              'sum by (messaging_consumer_group_name, messaging_destination_partition_id) (ordermesh_consumer_lag)',
              '{{messaging_consumer_group_name}} {{messaging_destination_partition_id}}',
            ],
          ],
        },
        p99('Time per batch, 99 %', 'messaging_process_duration', 'messaging_consumer_group_name'),
        {
          title: 'Put aside',
          unit: 'short',
          queries: [
            [
              'sum by (ordermesh_projection) (ordermesh_projection_parked)',
              'orders parked, {{ordermesh_projection}}',
            ],
            [
              'sum by (ordermesh_projection) (dead_letter_messages_total)',
              'events since the start, {{ordermesh_projection}}',
            ],
          ],
        },
      ],
    },
    {
      title: 'Reads',
      panels: [
        rate('Reads that wait for a write', 'query_min_version_wait_count', 'ordermesh_outcome'),
        quantiles('How long they wait', 'query_min_version_wait'),
        rate('Answered by the other store', 'ordermesh_query_fallback_total', 'db_system_name'),
        rate('Cache', 'cache_requests_total', 'result'),
        rate(
          'Views offered to the cache',
          'ordermesh_read_cache_writes_total',
          'ordermesh_outcome',
        ),
        rate('Entries not usable', 'ordermesh_read_cache_unusable_total', 'kind'),
      ],
    },
  ],
};

const resilience: Dashboard = {
  uid: 'ordermesh-resilience',
  title: 'ordermesh: resilience',
  rows: [
    {
      title: 'Calls to others',
      panels: [
        {
          title: 'Circuits: 0 closed, 1 open, 2 half-open',
          unit: 'short',
          queries: [['max by (job, target) (circuit_breaker_state)', '{{job}} → {{target}}']],
        },
        rate('Changes of state', 'circuit_breaker_transitions_total', 'to'),
        rate('Attempts beyond the first', 'ordermesh_retries_total', 'target'),
        rate('Let through by dry run', 'circuit_breaker_dry_run_refusals_total', 'target'),
        p99('Database statements, 99 %', 'db_client_operation_duration', 'db_namespace'),
        {
          title: 'Waiting for a database connection',
          unit: 'short',
          queries: [['sum by (job) (db_client_connection_pending_requests)', '{{job}}']],
        },
      ],
    },
    {
      title: 'Load',
      panels: [
        {
          title: 'Requests at work',
          unit: 'short',
          queries: [['sum by (job) (ordermesh_requests_running)', '{{job}}']],
        },
        rate('Refused: too much to do', 'ordermesh_requests_shed_total', 'importance', 'reqps'),
        rate('Rate limits', 'ratelimit_decisions_total', 'decision', 'reqps'),
        highest('Processes that count alone', 'ratelimit_local_mode', 'job'),
        rate('Decisions without the shared counters', 'ratelimit_store_errors_total', 'job'),
      ],
    },
  ],
};

/** All dashboards. */
export const dashboards: readonly Dashboard[] = [mesh, writeSide, readSide, resilience];
