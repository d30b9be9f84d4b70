using System.Buffers;
using System.IO.Pipelines;
using Sip.Wire;

namespace Sip.Server.Portable;

/// <summary>The bytes that wait to be sent on one connection, up to a bound for each and one for all: a slow reader harms nobody else.</summary>
public sealed class Outbox(int bound, TimeProvider time)
{
    private const long most = 64 << 20;
    private static readonly TimeSpan goodbye = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan unread = TimeSpan.FromMilliseconds(Patience.unread);
    private static long waitingInAll;
    private readonly CancellationTokenSource ended = new();
    private ArrayBufferWriter<byte> waiting = new();
    private PipeWriter? target;
    private Task pump = Task.CompletedTask;
    // Bytes of this connection that stand in the sum of all.
    private int counted;
    private int leaving;
    // Said under the lock: a pump that has found nothing left is not asked whether its task has ended too.
    private bool isPumping;

    /// <summary>Guards everything here, and the stream's state with it.</summary>
    public Lock Gate { get; } = new();

    /// <summary>Takes bytes; the caller holds the lock.</summary>
    public IBufferWriter<byte> Writer => waiting;

    /// <summary>Whether nothing will be sent any more but what waits.</summary>
    public bool IsClosing { get; private set; }

    /// <summary>Whether more waited, or waited longer, than the bounds allow.</summary>
    public bool IsOverfull { get; private set; }

    /// <summary>Cancelled when the connection must end.</summary>
    public CancellationToken Ended => ended.Token;

    /// <summary>Gives the connection's output, to which what waits already goes first.</summary>
    public void Begin(PipeWriter output)
    {
        lock (Gate) target = output;
    }

    /// <summary>Takes nothing any more and ends the connection; the caller holds the lock.</summary>
    public void Close()
    {
        IsClosing = true;
        ended.CancelAsync();
    }

    /// <summary>Sends what waits in the background; when too much waits, the connection ends.</summary>
    public void Flush()
    {
        lock (Gate)
        {
            if (IsOverfull) return;
            Count(waiting.WrittenCount + leaving);
            if (waiting.WrittenCount > bound || (isPumping && Volatile.Read(ref waitingInAll) > most)) Abandon();
            else Pump();
        }
    }

    /// <summary>Sends the last bytes and waits for them, but not for ever; false if they could not be sent.</summary>
    public async Task<bool> EndAsync()
    {
        lock (Gate)
        {
            IsClosing = true;
            if (!IsOverfull) Pump();
        }
        if (!IsOverfull) await Task.WhenAny(pump, Task.Delay(goodbye, time));
        target?.CancelPendingFlush();
        lock (Gate) Count(0);
        return !IsOverfull && pump.IsCompleted;
    }

    private void Abandon()
    {
        IsOverfull = true;
        Count(0);
        Close();
    }

    private void Count(int bytes)
    {
        Interlocked.Add(ref waitingInAll, bytes - counted);
        counted = bytes;
    }

    private void Pump()
    {
        if (isPumping || target is null || waiting.WrittenCount == 0) return;
        isPumping = true;
        pump = PumpAsync(target);
    }

    private async Task PumpAsync(PipeWriter output)
    {
        await Task.Yield();
        var sending = new ArrayBufferWriter<byte>();
        try
        {
            while (true)
            {
                lock (Gate)
                {
                    sending.ResetWrittenCount();
                    leaving = 0;
                    isPumping = waiting.WrittenCount > 0 && !IsOverfull;
                    if (!IsOverfull) Count(waiting.WrittenCount);
                    if (!isPumping) return;
                    (waiting, sending) = (sending, waiting);
                    leaving = sending.WrittenCount;
                }
                var write = output.WriteAsync(sending.WrittenMemory);
                if (write.IsCompleted) await write;
                else await write.AsTask().WaitAsync(unread, time);
            }
        }
        catch (TimeoutException)
        {
            lock (Gate) Abandon();
        }
        catch (Exception broken) when (broken is IOException or OperationCanceledException or InvalidOperationException or ObjectDisposedException)
        {
            await ended.CancelAsync();
        }
    }
}
