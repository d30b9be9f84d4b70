using Sip.Tools.Load;

return args switch
{
    ["load", "--help", ..] or ["load"] => Help(OptionTable.Help()),
    ["load", .. var words] => await LoadCommand.RunAsync(words),
    _ => Help("sip load ...   plays users against a SIP server\n"),
};

static int Help(string text)
{
    Console.Write(text);
    return 0;
}
