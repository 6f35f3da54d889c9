package io.dynamicfs.engine.erasure;

import static org.assertj.core.api.Assertions.assertThat;

import io.dynamicfs.engine.hash.Blake3;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

class WithoutVectorModuleTest {
    @Test
    void theOtherKernelsServeWhenTheVirtualMachineLacksTheVectorModule() throws Exception {
        String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
        String classPath = System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
        Process process = new ProcessBuilder(
                        java, "--enable-native-access=ALL-UNNAMED", "-cp", classPath, Child.class.getName())
                .redirectErrorStream(true)
                .start();
        List<String> lines = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8)
                .lines()
                .toList();
        assertThat(process.waitFor()).as("%s", lines).isZero();
        assertThat(lines)
                .containsExactly(
                        "scalar",
                        "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85",
                        ErasureCode.kernelNames().stream()
                                .filter(name -> !name.equals(VectorKernel.NAME))
                                .toList()
                                .toString());
    }

    static final class Child {
        private Child() {}

        @SuppressWarnings("SystemOut")
        public static void main(String[] arguments) {
            PrintStream out = System.out;
            out.println(Blake3.kernelName());
            out.println(Blake3.hash("abc".getBytes(StandardCharsets.US_ASCII)));
            ErasureCode.warmUp();
            out.println(ErasureCode.kernelNames());
        }
    }
}
