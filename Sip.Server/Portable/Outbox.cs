using System.Buffers;
using System.IO.Pipelines;

namespace Sip.Server.Portable;

/// <summary>The bytes that wait to be sent on one connection, up to a bound: a slow reader harms nobody else.</summary>
public sealed class Outbox(int bound)
{
    private static readonly TimeSpan goodbye = TimeSpan.FromSeconds(2);
    private readonly CancellationTokenSource ended = new();
    private ArrayBufferWriter<byte> waiting = new();
    private PipeWriter? target;
    private Task pump = Task.CompletedTask;
    // Said under the lock: a pump that has found nothing left is not asked whether its task has ended too.
    private bool isPumping;

    /// <summary>Guards everything here, and the stream's state with it.</summary>
    public Lock Gate { get; } = new();

    /// <summary>Takes bytes; the caller holds the lock.</summary>
    public IBufferWriter<byte> Writer => waiting;

    /// <summary>Whether nothing will be sent any more but what waits.</summary>
    public bool IsClosing { get; private set; }

    /// <summary>Whether more waited than the bound allows.</summary>
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

    /// <summary>Sends what waits in the background; false when too much waits, so that the connection ends.</summary>
    public bool Flush()
    {
        lock (Gate)
        {
            if (waiting.WrittenCount > bound)
            {
                IsOverfull = true;
                Close();
                return false;
            }
            Pump();
            return true;
        }
    }

    /// <summary>Sends the last bytes and waits for them, but not for ever; false if they could not be sent.</summary>
    public async Task<bool> EndAsync(TimeProvider time)
    {
        lock (Gate)
        {
            IsClosing = true;
            if (!IsOverfull) Pump();
        }
        if (!IsOverfull) await Task.WhenAny(pump, Task.Delay(goodbye, time));
        target?.CancelPendingFlush();
        return !IsOverfull && pump.IsCompleted;
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
                    isPumping = waiting.WrittenCount > 0;
                    if (!isPumping) return;
                    (waiting, sending) = (sending, waiting);
                }
                await output.WriteAsync(sending.WrittenMemory);
                sending.ResetWrittenCount();
            }
        }
        catch (Exception broken) when (broken is IOException or OperationCanceledException or InvalidOperationException or ObjectDisposedException)
        {
            await ended.CancelAsync();
        }
    }
}
