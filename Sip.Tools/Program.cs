using Sip.Tools.Load;
using Sip.Tools.Probe;

return args switch
{
    ["load", "--help", ..] or ["load"] => Help(OptionTable.Help()),
    ["load", .. var words] => await LoadCommand.RunAsync(words),
    ["probe", "--help", ..] or ["probe"] => Help(ProbeOptions.Help),
    ["probe", .. var words] => await ProbeCommand.RunAsync(words),
    _ => Help("sip load ...    plays users against a SIP server\nsip probe ...   tells in words what a SIP server does with a client\n"),
};

static int Help(string text)
{
    Console.Write(text);
    return 0;
}
