"""What a log line may hold: names and codes. An exception's own words may quote a value, so they stay out."""

import logging


class NamesOnly(logging.Filter):
    """Replace an exception's message by its type and place; values of personal data ride in messages."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.exc_info and record.exc_info[0] is not None:
            trace = record.exc_info[2]
            while trace is not None and trace.tb_next is not None:
                trace = trace.tb_next
            place = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else "unknown"
            record.msg = f"{record.exc_info[0].__name__} at {place}"
            record.args = ()
            record.exc_info = None
        return True
