import threading

from workbench.widgets import Publisher


class Board:
    """Collects what is published, and on which thread."""

    def __init__(self, again=None):
        self.batches, self.threads, self.again = [], set(), again
        self.news = threading.Condition()

    def publish(self, items):
        with self.news:
            self.batches.append(list(items))
            self.threads.add(threading.current_thread().name)
            self.news.notify_all()
        return self.again.pop(0) if self.again else None

    @property
    def items(self):
        return [item for batch in self.batches for item in batch]

    def until(self, condition):
        with self.news:
            assert self.news.wait_for(condition, 5)


def test_one_thread_publishes_everything_in_order(publisher):
    boards = [Board(), Board()]

    def put(offset):
        for number in range(200):
            publisher.put(boards[number % 2], (offset, number))

    threads = [threading.Thread(target=put, args=(offset,)) for offset in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for board in boards:
        board.until(lambda board=board: len(board.items) == 400)
        for offset in range(4):
            own = [number for giver, number in board.items if giver == offset]
            assert own == sorted(own)
    assert boards[0].threads == boards[1].threads == {"workbench-publisher"}


def test_what_waits_goes_out_together(publisher):
    gate, board = threading.Event(), Board()

    class Slow(Board):
        def publish(self, items):
            gate.wait(5)
            return super().publish(items)

    publisher.put(Slow(), 0)
    for number in range(50):
        publisher.put(board, number)
    gate.set()
    board.until(lambda: len(board.items) == 50)
    assert len(board.batches) == 1


def test_a_panel_is_called_again_when_it_wants(publisher):
    board = Board(again=[0.01, 0.01, None])
    publisher.put(board, "news")
    board.until(lambda: len(board.batches) == 3)
    assert board.batches == [["news"], [], []]


def test_a_broken_panel_does_not_stop_the_others(publisher, caplog):
    class Broken:
        def publish(self, items):
            raise ValueError("no")

    board = Board()
    publisher.put(Broken(), 1)
    publisher.put(board, 2)
    board.until(lambda: board.items == [2])
    assert "could not be published" in caplog.text


def test_work_runs_beside_the_publisher(publisher):
    board, names = Board(), []
    publisher.run(lambda: (names.append(threading.current_thread().name), publisher.put(board, "done")))
    board.until(lambda: board.items == ["done"])
    assert names[0].startswith("workbench-panel")


def test_close_publishes_what_waits_and_leaves_no_thread():
    before = set(threading.enumerate())
    publisher, board = Publisher(), Board()
    for number in range(100):
        publisher.put(board, number)
    publisher.run(lambda: None)
    publisher.close()
    publisher.close()
    assert board.items == list(range(100))
    assert set(threading.enumerate()) <= before


def test_after_close_the_caller_publishes():
    publisher, board = Publisher(), Board()
    publisher.close()
    publisher.put(board, "late")
    ran = []
    publisher.run(lambda: ran.append(True))
    assert board.items == ["late"]
    assert board.threads == {threading.current_thread().name}
    assert ran == [True]


def test_a_panel_thread_may_close_the_publisher():
    publisher, done = Publisher(), threading.Event()
    publisher.run(lambda: (publisher.close(), done.set()))
    assert done.wait(5)


def test_closing_an_unused_publisher():
    publisher = Publisher()
    publisher.close()
