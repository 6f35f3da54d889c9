package io.dynamicfs.engine;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaCall;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.lang.foreign.Linker;
import java.time.Clock;
import java.time.Instant;
import java.time.InstantSource;
import java.time.LocalDateTime;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.ThreadLocalRandom;
import java.util.stream.BaseStream;
import org.junit.jupiter.api.Test;

/** The rooms of the core and the direction between them, as in docs/architecture.md. */
class ArchitectureTest {
    private static final String CORE = "io.dynamicfs.engine.";

    /** A room may use the rooms before it. */
    private static final List<String> ROOMS = List.of(
            "syscall", "hash", "erasure", "format", "device", "alloc", "extent", "tree", "commit", "fs", "fuse",
            "mount");

    /** The rooms that run inside the simulator: one thread, one seed, no clock of their own. */
    private static final List<String> DETERMINISTIC =
            List.of("hash", "erasure", "format", "device", "alloc", "extent", "tree", "commit", "fs");

    /** The one place of these rooms that is handed to the engine from outside: the simulator brings its own. */
    private static final String THREADED_IO_RUNNER = "io\\.dynamicfs\\.engine\\.device\\.ThreadedIoRunner(\\$.*)?";

    private static final JavaClasses CLASSES = new ClassFileImporter()
            .withImportOption(new ImportOption.DoNotIncludeTests())
            .importPackages("io.dynamicfs");

    @Test
    void everyRoomUsesOnlyTheRoomsBeforeIt() {
        for (int i = 0; i < ROOMS.size(); i++) {
            String[] later = ROOMS.subList(i + 1, ROOMS.size()).stream()
                    .map(room -> CORE + room + "..")
                    .toArray(String[]::new);
            if (later.length > 0) {
                noClasses()
                        .that()
                        .resideInAPackage(CORE + ROOMS.get(i) + "..")
                        .should()
                        .dependOnClassesThat()
                        .resideInAnyPackage(later)
                        .because("imports go one way: " + String.join(" < ", ROOMS))
                        .allowEmptyShould(true)
                        .check(CLASSES);
            }
        }
    }

    @Test
    void thereIsNoRoomThatTheMapDoesNotShow() {
        Set<String> found = new TreeSet<>();
        for (JavaClass type : CLASSES) {
            found.add(type.getPackageName().substring(CORE.length() - 1).replaceFirst("^\\.", ""));
        }
        assertThat(ROOMS).containsAll(found);
    }

    @Test
    void fuseSpeaksItsProtocolAndKnowsNothingOfFiles() {
        classes()
                .that()
                .resideInAPackage(CORE + "fuse..")
                .should()
                .onlyDependOnClassesThat(
                        resideInAnyPackage(CORE + "fuse..", CORE + "syscall..").or(isOutsideOfTheProject()))
                .check(CLASSES);
    }

    @Test
    void onlySyscallAndTheKernelsThatWrapALibraryLinkNativeCode() {
        noClasses()
                .that()
                .resideOutsideOfPackage(CORE + "syscall..")
                .should()
                .dependOnClassesThat()
                .areAssignableTo(Linker.class)
                .because("one room knows C")
                .check(CLASSES);
    }

    @Test
    void theCoreUsesOnlyTheJdkItsLoggerAndItsCodec() {
        classes()
                .that()
                .resideInAPackage("io.dynamicfs.engine..")
                .should()
                .onlyDependOnClassesThat()
                .resideInAnyPackage(
                        "io.dynamicfs.engine..",
                        "java..",
                        "jdk.incubator.vector",
                        "org.slf4j..",
                        "org.jspecify.annotations",
                        "com.backblaze.erasure")
                .check(CLASSES);
    }

    @Test
    void theDeterministicRoomsAreHandedTheirClocksRandomnessAndThreads() {
        noClasses()
                .that()
                .resideInAnyPackage(
                        DETERMINISTIC.stream().map(room -> CORE + room + "..").toArray(String[]::new))
                .and()
                .haveNameNotMatching(THREADED_IO_RUNNER)
                .should()
                .callMethodWhere(drawsFromTheWorld())
                .orShould()
                .callConstructorWhere(DescribedPredicate.describe(
                        "it makes a thread or a source of randomness",
                        call -> call.getTargetOwner().isAssignableTo(Thread.class)
                                || call.getTargetOwner().isAssignableTo(Random.class)))
                .because("the whole engine runs in the simulator with one seed")
                .check(CLASSES);
    }

    private static DescribedPredicate<JavaCall<?>> drawsFromTheWorld() {
        return DescribedPredicate.describe(
                "it reads a clock, draws a random number, starts a thread or asks the environment", call -> {
                    JavaClass owner = call.getTargetOwner();
                    String method = call.getName();
                    return owner.isEquivalentTo(System.class)
                                    && Set.of("currentTimeMillis", "nanoTime", "getenv")
                                            .contains(method)
                            || owner.isEquivalentTo(Math.class) && method.equals("random")
                            || (owner.isEquivalentTo(Instant.class) || owner.isEquivalentTo(LocalDateTime.class))
                                    && method.equals("now")
                            || (owner.isEquivalentTo(Clock.class) || owner.isEquivalentTo(InstantSource.class))
                                    && method.startsWith("system")
                            || owner.isEquivalentTo(java.util.UUID.class) && method.equals("randomUUID")
                            || owner.isEquivalentTo(ThreadLocalRandom.class)
                            || owner.isEquivalentTo(Executors.class)
                            || owner.isEquivalentTo(ForkJoinPool.class)
                            || owner.isAssignableTo(CompletableFuture.class) && method.endsWith("Async")
                            || owner.isAssignableTo(BaseStream.class) && method.equals("parallel")
                            || owner.isEquivalentTo(Thread.class)
                                    && Set.of("start", "sleep", "ofPlatform", "ofVirtual", "startVirtualThread")
                                            .contains(method);
                });
    }

    private static DescribedPredicate<JavaClass> isOutsideOfTheProject() {
        return DescribedPredicate.not(resideInAPackage("io.dynamicfs.."));
    }
}
