-- What a node said when a batch was decided.
INSERT INTO rpc_evidence (batch_id, node, evidence, observed_at)
VALUES (%(batch_id)s, %(node)s, %(evidence)s, %(now)s)
