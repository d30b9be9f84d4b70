// Suite: every law, in the order of the chapters.

module Sip.Properties.Suite

open Expecto
open Sip.Properties.Grammar
open Sip.Properties.Registrar
open Sip.Properties.Outbound
open Sip.Properties.Locating
open Sip.Properties.Guarding

let private registrar =
    testList "Registrar" [ NameLaws.all; RegisterLaws.all; BindingsLaws.all; RegEventLaws.all ]

let private identity =
    testList
        "Identity"
        [
            CredentialLaws.all
            NonceLaws.all
            NonceCountLaws.all
            AuthenticationLaws.all
            SecrecyLaws.all
            PrincipalLaws.all
            JwtLaws.all
            TemporaryLaws.all
            LinesLaws.all
            MeteringLaws.all
        ]

let private outbound =
    testList
        "Outbound"
        [
            TokenLaws.all
            GruuLaws.all
            FlowRouteLaws.all
            RecordLaws.all
            StunLaws.all
            NatLaws.all
        ]

/// Every law.
let all: Test =
    testList
        "Laws"
        [
            VocabularyLaws.all
            PrintableLaws.all
            WireLaws.all
            GrammarLaws.all
            StreamLaws.all
            PatienceLaws.all
            BalancerLaws.all
            ClientLaws.all
            identity
            registrar
            outbound
            AdmissionLaws.all
            ForwardLaws.all
            RouteLaws.all
            RoutingLaws.all
            GateLaws.all
            BranchLaws.all
            AssertionLaws.all
            AllocationLaws.all
            BoundsLaws.all
            RestLaws.all
            MeterLaws.all
            OverloadLaws.all
            ThrottleLaws.all
            NeighbourLaws.all
            BoundLaws.all
            GuessLaws.all
            BanLaws.all
            SheddingLaws.all
            EmergencyLaws.all
            CeilingLaws.all
            GatheringLaws.all
            TransactionLaws.all
            ForkLaws.all
            ForkingLaws.all
            FailoverLaws.all
            ProxyLaws.all
            PreferenceLaws.all
            EarlyEndLaws.all
            ResolutionLaws.all
            OrderLaws.all
            AttemptLaws.all
            AnswerLaws.all
            SetupLaws.all
            CertificateLaws.all
            World.BindingLaws.all
            World.RegisteringLaws.all
            World.InstanceLaws.all
            World.ReturnLaws.all
            World.KeepAliveLaws.all
            World.WatchingLaws.all
            World.WorldLaws.all
            World.ShardLaws.all
            World.EndingLaws.all
            World.HostileLaws.all
            World.RedirectLaws.all
            World.FarEndLaws.all
            World.EdgeLaws.all
            World.TrapLaws.all
            Hostile.ValueLaws.all
            Hostile.ShapeLaws.all
            Hostile.EnumerationLaws.all
            World.CallLaws.all
            World.PolicyLaws.all
            World.WelcomeLaws.all
            World.ReflectionLaws.all
            World.CircleLaws.all
            World.ProofLaws.all
            World.UnseenLaws.all
            World.BearerLaws.all
            World.VisitingLaws.all
        ]
