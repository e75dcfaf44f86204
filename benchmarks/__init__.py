"""What the system costs in time and in fees, each figure beside a baseline of the same run.

    pixr bench WHAT ─▶ catalogue ─▶ cold | wallet | ingest | settle ─▶ Report ─▶ screen
                                          │ own Postgres, Valkey, chain: empty, gone afterwards

A figure of one machine and one minute says little; its ratio to something known, measured in
turns with it, says much. So each benchmark repeats, alternates with its baseline, and reports
the median and how far the repetitions lay apart.
"""
