"""What one connection may do beyond what a Lambda may."""

from pixr.adapters.postgres import Database, sql


def allow_long_statements(db: Database, *, timeout_s: int) -> None:
    """Let each statement of this connection take up to ``timeout_s`` seconds.

    An operator's check reads whole tables; a function that did would be at fault.
    """
    db.execute(sql("sessions/statement_timeout"), {"timeout_ms": str(timeout_s * 1000)})
